package org.attune.trainers.opening;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// A prompt's tokens as people read them: each message under its role's name, without the special
/// tokens that the chat template writes around it.
final class PromptText {
    private static final Set<String> ROLES =
            Set.of(
                    "system",
                    "developer",
                    "user",
                    "human",
                    "assistant",
                    "model",
                    "tool",
                    "observation");

    private final List<String> lines = new ArrayList<>();
    private boolean inRole;

    private PromptText() {}

    /// How a tokenizer decodes.
    interface Decoding {
        String decode(int[] ids, boolean skipSpecialTokens);
    }

    static String of(Decoding tokenizer, int[] ids) {
        var text = new PromptText();
        int from = 0;
        for (int i = 0; i < ids.length; i++) {
            String special = special(tokenizer, ids[i]);
            if (!special.isEmpty()) {
                text.add(tokenizer.decode(Arrays.copyOfRange(ids, from, i), true));
                text.addRole(special.replaceAll("[^A-Za-z]", ""));
                from = i + 1;
            }
        }
        text.add(tokenizer.decode(Arrays.copyOfRange(ids, from, ids.length), true));
        if (text.inRole) {
            text.lines.removeLast(); // the turn that is to be written
        }
        return String.join("\n", text.lines);
    }

    private static String special(Decoding tokenizer, int id) {
        int[] alone = {id};
        return tokenizer.decode(alone, true).isEmpty() ? tokenizer.decode(alone, false) : "";
    }

    private void add(String text) {
        String rest = text.strip();
        int end = rest.indexOf('\n');
        if (!inRole && addRole(end < 0 ? rest : rest.substring(0, end).strip())) {
            rest = end < 0 ? "" : rest.substring(end).strip();
        }
        if (!rest.isEmpty()) {
            lines.add(rest);
            inRole = false;
        }
    }

    private boolean addRole(String name) {
        if (!ROLES.contains(name.toLowerCase(Locale.ROOT))) {
            return false;
        }
        lines.add(name + ":");
        inRole = true;
        return true;
    }
}
