package mail

// EmailWithRoots is Email for a server with a certificate of a test's own.
var EmailWithRoots = newEmail
