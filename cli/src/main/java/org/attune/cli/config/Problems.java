package org.attune.cli.config;

import org.attune.error.ConfigException;

import java.util.ArrayList;
import java.util.List;

/// Everything wrong with a run's configuration, thrown at once.
final class Problems {
    private final List<String> lines = new ArrayList<>();

    /// @param where `file:line`, or the argument of the command line
    /// @param what the key, its value and what is accepted
    void add(String where, String what) {
        lines.add(where + ": " + what);
    }

    boolean isEmpty() {
        return lines.isEmpty();
    }

    /// @throws ConfigException with all problems, if there are any
    void throwIfAny() {
        if (!lines.isEmpty()) {
            String head = lines.size() == 1 ? "1 problem:" : lines.size() + " problems:";
            throw new ConfigException(head + "\n  " + String.join("\n  ", lines));
        }
    }
}
