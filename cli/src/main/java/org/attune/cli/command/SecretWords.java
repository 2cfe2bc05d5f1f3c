package org.attune.cli.command;

import org.attune.error.Secrets;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Words of a command line with secrets, for processes that this one starts: other users of a
/// machine can see a process's words, but not its variables.
public final class SecretWords {
    private static final String PLACE = "@" + Secrets.WORD;

    private SecretWords() {}

    /// The words, of which those with secrets are places in the environment.
    ///
    /// @param environment of the processes, which gets those words
    public static List<String> hidden(List<String> words, Map<String, String> environment) {
        List<String> hidden = new ArrayList<>();
        String before = "";
        for (String word : words) {
            boolean isSecret =
                    holdsSecret(word)
                            || before.startsWith("--")
                                    && holdsSecret(before.substring(2) + "=" + word);
            if (isSecret) {
                environment.put(Secrets.WORD + hidden.size(), word);
                hidden.add(PLACE + hidden.size());
            } else {
                hidden.add(word);
            }
            before = word.contains("=") ? "" : word;
        }
        return hidden;
    }

    private static boolean holdsSecret(String word) {
        return !Secrets.masked(word).equals(word);
    }

    /// The words as they were before [#hidden].
    public static String[] shown(String[] words, Map<String, String> environment) {
        return Arrays.stream(words)
                .map(
                        word ->
                                word.startsWith(PLACE)
                                        ? environment.getOrDefault(word.substring(1), word)
                                        : word)
                .toArray(String[]::new);
    }
}
