// Package parts lists the optional parts that this program is built with. The list is yours: take a line out, and the
// part with all that only it depends on is out of the build.
package parts

import (
	_ "fibercrons/app/store/mysql"    // mysql:// and mariadb:// in DATABASE_URL
	_ "fibercrons/app/store/postgres" // postgres:// in DATABASE_URL
	_ "fibercrons/app/store/sqlite"   // sqlite:// in DATABASE_URL, which is the default
)
