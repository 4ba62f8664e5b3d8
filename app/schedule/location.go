package schedule

import (
	_ "embed"
	"strings"
	"time"
)

// zones are the names of the tz database, one per line, for suggestions only. Zones not listed here can be loaded too.
//
//go:embed zones.txt
var zones string

// abbreviations are common abbreviations that the tz database does not have as zones.
var abbreviations = map[string]string{
	"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles",
	"MDT": "America/Denver", "MT": "America/Denver", "CST": "America/Chicago", "CDT": "America/Chicago",
	"CT": "America/Chicago", "EDT": "America/New_York", "ET": "America/New_York",
	"BST": "Europe/London", "CEST": "Europe/Berlin", "MEZ": "Europe/Berlin", "EEST": "Europe/Athens",
	"MSK": "Europe/Moscow", "IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "KST": "Asia/Seoul",
	"SGT": "Asia/Singapore", "HKT": "Asia/Hong_Kong", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney",
	"NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}

// LoadLocation returns a zone of the tz database by name, such as Europe/Berlin or UTC. The error is an *Error and
// names the nearest zone. Local is refused because it differs between machines, and so would the slots. The zone comes
// from the build's tz database; see PreferHost. A name in the wrong case is refused on every system.
func LoadLocation(name string) (*time.Location, error) {
	loc, err := loadLocation(name)
	if err != nil {
		return nil, err
	}
	return loc, nil
}

const fieldZone = "time zone"

func loadLocation(name string) (*time.Location, *Error) {
	switch {
	case name == "":
		return nil, wrong(fieldZone, name, "the time zone is empty").hint("write UTC or a name such as Europe/Berlin")
	case strings.EqualFold(name, "Local"):
		return nil, refuseLocal()
	case name == "UTC":
		return time.UTC, nil
	}
	if loc, ok := locations.Load(name); ok && !hostFirst.Load() {
		return loc.(*time.Location), nil
	}
	known := strings.Fields(zones)
	for _, zone := range known {
		if zone != name && strings.EqualFold(zone, name) {
			return nil, wrong(fieldZone, name, "unknown time zone %q", name).didYouMean(zone)
		}
	}
	if loc, ok := loadZone(name); ok {
		return loc, nil
	}
	e := wrong(fieldZone, name, "unknown time zone %q", name)
	if strings.ContainsAny(name, "+-0123456789") {
		return nil, e.hint("a fixed offset is written Etc/GMT-2 for UTC+2, with the sign reversed")
	}
	if zone, ok := abbreviations[strings.ToUpper(name)]; ok {
		return nil, e.hint("an abbreviation is not a zone: did you mean %s?", zone)
	}
	return nil, e.didYouMean(nearestZone(name, known))
}

func refuseLocal() *Error {
	return wrong(fieldZone, "Local", "time zone Local differs between machines").hint("name the zone, such as Europe/Berlin")
}

// nearestZone also accepts a city without its continent, and a space for an underscore.
func nearestZone(name string, known []string) string {
	name = strings.ReplaceAll(name, " ", "_")
	for _, zone := range known {
		if city := zone[strings.LastIndexByte(zone, '/')+1:]; strings.EqualFold(city, name) {
			return zone
		}
	}
	if near := nearest(name, known); near != "" {
		return near
	}
	_, city, ok := strings.Cut(name, "/")
	if !ok {
		city = name
	}
	cities := make([]string, len(known))
	for i, zone := range known {
		cities[i] = zone[strings.LastIndexByte(zone, '/')+1:]
	}
	if near := nearest(city, cities); near != "" {
		for i := range cities {
			if cities[i] == near {
				return known[i]
			}
		}
	}
	return ""
}
