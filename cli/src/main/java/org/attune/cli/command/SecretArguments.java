package org.attune.cli.command;

import org.attune.error.Secrets;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Arguments of a command line without those that nobody else may read.
public final class SecretArguments {
    private static final Set<String> KEYS = Set.of("hub_token", "push_to_hub_token", "token");

    private SecretArguments() {}

    /// The others, in order; of secrets within them there is a mask.
    public static List<String> without(List<String> arguments) {
        return without(KEYS, arguments).stream().map(Secrets::masked).toList();
    }

    /// Arguments but those that set a key: `key=value`, `--key=value` and `--key value`.
    public static List<String> without(Set<String> keys, List<String> arguments) {
        List<String> others = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            String key = argument.replaceFirst("^--", "").replaceFirst("=.*", "");
            if (!keys.contains(key)) {
                others.add(argument);
            } else if (!argument.contains("=")) {
                i++; // its value
            }
        }
        return others;
    }
}
