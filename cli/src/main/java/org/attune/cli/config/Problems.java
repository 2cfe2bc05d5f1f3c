package org.attune.cli.config;

import org.attune.error.ConfigException;

import java.util.ArrayList;
import java.util.List;

/// Everything wrong with a run's configuration, thrown at once.
final class Problems {
    private static final int MOST = 50;
    private static final int LONGEST = 1000;

    private final List<String> lines = new ArrayList<>();
    private int count;
    private String remedy = "";

    /// Whether what is added now is still shown, so that it is worth a search for its remedy.
    boolean areShown() {
        return lines.size() < MOST;
    }

    /// @param where `file:line`, or the argument of the command line
    /// @param what the key, its value and what is accepted
    void add(String where, String what) {
        if (lines.size() < MOST) {
            // a file's text must not steer a terminal
            String line = (where + ": " + what).replaceAll("[\\p{Cntrl}&&[^\n]]", "\ufffd");
            lines.add(
                    line.length() <= LONGEST
                            ? line
                            : line.substring(0, LONGEST / 2)
                                    + " … "
                                    + line.substring(line.length() - LONGEST / 2));
        }
        count++;
    }

    /// What is to be done about several of them, said behind them.
    void remedy(String text) {
        remedy = "\n" + text.replaceAll("[\\p{Cntrl}&&[^\n]]", "\ufffd");
    }

    boolean isEmpty() {
        return lines.isEmpty();
    }

    /// @throws ConfigException with all problems, if there are any
    void throwIfAny() {
        if (!lines.isEmpty()) {
            String head = count == 1 ? "1 problem:" : count + " problems:";
            if (count > lines.size()) {
                head = "%d problems, the first %d:".formatted(count, lines.size());
            }
            throw new ConfigException(head + "\n  " + String.join("\n  ", lines) + remedy);
        }
    }
}
