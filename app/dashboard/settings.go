package dashboard

import (
	"slices"
	"strings"
)

// SettingsPage shows the configuration in force.
type SettingsPage struct {
	Groups []SettingGroup
}

// SettingGroup is a section of the configuration.
type SettingGroup struct {
	Name string
	List []Setting
}

// Setting is an environment variable and its value in force.
type Setting struct {
	Name, Value, Default, About string
	Secret, Changed             bool
}

// NewSettings makes the page.
func NewSettings(list []Setting) SettingsPage {
	groups := []SettingGroup{{Name: "Server"}, {Name: "Scheduler"}, {Name: "Access"}, {Name: "Alerts"}, {Name: "Log"}, {Name: "Yours"}}
	for _, s := range list {
		at := 5
		switch name := s.Name; {
		case strings.HasPrefix(name, "LOG_"):
			at = 4
		case strings.HasPrefix(name, "ALERT_") || name == "SMTP_URL":
			at = 3
		case strings.Contains(name, "TOKEN") || name == "CRON_AUTH" || name == "CRON_ALLOWED_HOSTS":
			at = 2
		case strings.HasPrefix(name, "CRON_"):
			at = 1
		case slices.Contains([]string{"APP_ENV", "HOST", "PORT", "DATABASE_URL", "REDIS_URL", "REDIS_PREFIX"}, name):
			at = 0
		}
		groups[at].List = append(groups[at].List, s)
	}
	return SettingsPage{slices.DeleteFunc(groups, func(g SettingGroup) bool { return len(g.List) == 0 })}
}
