package org.attune.cli.completion;

import picocli.CommandLine;

import java.util.Map;
import java.util.TreeMap;

/// A shell that can complete commands, options and keys.
public enum Shell {
    BASH,
    ZSH,
    FISH;

    /// What makes it complete.
    ///
    /// @param commands by name
    public String text(Map<String, CommandLine> commands) {
        var words = new CompletionWords(new TreeMap<>(commands));
        return switch (this) {
            case BASH, ZSH -> new BashCompletion(words).text(this);
            case FISH -> new FishCompletion(words).text();
        };
    }
}
