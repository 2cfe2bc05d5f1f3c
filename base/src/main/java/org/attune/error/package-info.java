/// Exceptions that a user can act on, and requests to stop.
///
/// Read [AttuneException]: its subclasses say which part of a run is wrong. [StopRequest] is how
/// long work learns that it should end. `docs/errors.md` lists the messages with their remedies.
package org.attune.error;
