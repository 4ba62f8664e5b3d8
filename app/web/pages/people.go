package pages

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/dashboard"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

func (p *Pages) instancesPage(c *fiber.Ctx) error {
	list, err := p.app.Store.Instances(c.UserContext())
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return p.show(c, fiber.StatusOK, dashboard.Page{Title: "Instances", Nav: "instances", Now: now, Body: dashboard.NewInstances(now, list)})
}

func (p *Pages) auditPage(c *fiber.Ctx) error {
	const limit = 50
	q := request.QueryOf(c)
	target, before := q.Text("target", longestScheduleID), q.Number("before", 0, 1<<62, 0)
	if err := q.Mistakes(); err != nil {
		return err
	}
	entries, err := p.app.Store.Audits(c.UserContext(), target, before, limit+1)
	if err != nil {
		return err
	}
	next := int64(0)
	entries, more := reply.Page(entries, limit)
	if more {
		next = entries[limit-1].ID
	}
	return p.show(c, fiber.StatusOK, dashboard.Page{Title: "Audit", Nav: "audit", Body: dashboard.NewAudit(entries, target, before, next)})
}

func (p *Pages) settingsPage(c *fiber.Ctx) error {
	var list []dashboard.Setting
	for _, v := range p.app.Config.Settings() {
		list = append(list, dashboard.Setting{
			Name: v.Name, Value: v.Value, Default: v.Default, About: v.About, Secret: v.Secret, Changed: v.Changed(),
		})
	}
	return p.show(c, fiber.StatusOK, dashboard.Page{Title: "Settings", Nav: "settings", Body: dashboard.NewSettings(list)})
}
