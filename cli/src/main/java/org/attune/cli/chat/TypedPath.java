package org.attune.cli.chat;

import org.attune.error.ConfigException;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/// A path that somebody typed, or that a terminal pasted: as a shell takes one, with `~`, quotes
/// and backslashes. Unlike there, blanks need none of them.
///
/// @param command that the path follows, for messages
/// @param escapes whether a backslash takes the meaning from the character behind it
record TypedPath(String command, String text, boolean escapes) {
    /// @throws ConfigException if it is no path
    static Path of(String command, String text) {
        return new TypedPath(command, text, File.separatorChar != '\\').path();
    }

    Path path() {
        try {
            Path literal = Path.of(text);
            if (Files.exists(literal)) {
                return literal; // names may have quotes in them
            }
            boolean isAtHome = text.matches("(?s)~(/.*)?");
            if (text.startsWith("~") && !isAtHome) {
                throw wrong("~ stands for your own folder alone, as in ~/a.png");
            }
            Path plain = Path.of(plain(isAtHome ? text.replaceFirst("^~/*", "") : text));
            return isAtHome ? Path.of(System.getProperty("user.home")).resolve(plain) : plain;
        } catch (InvalidPathException e) {
            throw wrong(e.getMessage());
        }
    }

    private ConfigException wrong(String why) {
        return new ConfigException("%s %s: is no path: %s".formatted(command, text, why));
    }

    /// The text without quotes, and without the backslashes that aren't part of the name.
    private String plain(String typed) {
        var plain = new StringBuilder();
        char quote = 0;
        for (int i = 0; i < typed.length(); i++) {
            char c = typed.charAt(i);
            if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
            } else if (c == quote) {
                quote = 0;
            } else if (isEscape(typed, i, quote)) {
                plain.append(typed.charAt(++i));
            } else {
                plain.append(c);
            }
        }
        if (quote != 0) {
            throw wrong("the quote %s isn't closed".formatted(quote));
        }
        return plain.toString();
    }

    private boolean isEscape(String typed, int at, char quote) {
        if (!escapes || typed.charAt(at) != '\\' || at + 1 == typed.length()) {
            return false;
        }
        return quote == 0 || quote == '"' && "\"\\$`".indexOf(typed.charAt(at + 1)) >= 0;
    }
}
