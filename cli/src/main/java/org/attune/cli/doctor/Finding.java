package org.attune.cli.doctor;

import java.util.Locale;

/// One thing that a machine has or lacks.
///
/// @param what its name
/// @param verdict whether runs can do with it
/// @param text what there is, and what to do where it is not enough
record Finding(String what, Verdict verdict, String text) {
    /// How well runs can do with what a machine has.
    enum Verdict {
        OK,
        /// Runs work, but not as well as they could.
        NOTE,
        /// No run works.
        MISSING;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static Finding ok(String what, String text) {
        return new Finding(what, Verdict.OK, text);
    }

    static Finding note(String what, String text) {
        return new Finding(what, Verdict.NOTE, text);
    }

    static Finding missing(String what, String text) {
        return new Finding(what, Verdict.MISSING, text);
    }
}
