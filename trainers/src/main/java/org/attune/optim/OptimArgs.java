package org.attune.optim;

import org.attune.error.ConfigException;
import org.attune.error.Spelling;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Further settings of an optimizer as transformers writes them: `momentum=0.9,nesterov=true`.
/// Those that nothing asks for are an error. Messages of errors say what is accepted.
final class OptimArgs {
    private final String optimizer;
    private final Map<String, String> values = new LinkedHashMap<>();
    private final Set<String> asked = new TreeSet<>();

    /// @param optimizer whose settings these are, for messages
    /// @param text `name=value`, several of them with commas between; may be blank
    /// @throws ConfigException if it has another form
    OptimArgs(String optimizer, String text) {
        this.optimizer = optimizer;
        for (String part : text.isBlank() ? new String[0] : text.replace(" ", "").split(",")) {
            int equals = part.indexOf('=');
            if (equals < 1 || equals == part.length() - 1) {
                throw new ConfigException(
                        "name=value, several with commas between, not \"%s\"".formatted(part));
            }
            String name = part.substring(0, equals);
            if (values.put(name, part.substring(equals + 1)) != null) {
                throw new ConfigException("each name once; %s is there twice".formatted(name));
            }
        }
    }

    double number(String name, double fallback) {
        String text = text(name);
        try {
            return text == null ? fallback : Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw refused(name, text, "a number", e);
        }
    }

    int integer(String name, int fallback) {
        String text = text(name);
        try {
            return text == null ? fallback : Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw refused(name, text, "a whole number", e);
        }
    }

    boolean has(String name) {
        return text(name) != null;
    }

    boolean truth(String name, boolean fallback) {
        String text = text(name);
        if (text == null) {
            return fallback;
        }
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true", "1", "yes" -> true;
            case "false", "0", "no" -> false;
            default -> throw refused(name, text, "true or false", null);
        };
    }

    <E extends Enum<E>> E choice(String name, Class<E> type, E fallback) {
        String text = text(name);
        if (text == null) {
            return fallback;
        }
        var accepted = new TreeSet<String>();
        for (E constant : type.getEnumConstants()) {
            String word = constant.name().toLowerCase(Locale.ROOT);
            if (word.equals(text)) {
                return constant;
            }
            accepted.add(word);
        }
        throw refused(name, text, String.join(", ", accepted), null);
    }

    private String text(String name) {
        asked.add(name);
        return values.get(name);
    }

    private ConfigException refused(String name, String text, String wanted, Throwable cause) {
        return new ConfigException(
                "for %s %s with %s, not %s".formatted(optimizer, name, wanted, text), cause);
    }

    /// @throws ConfigException if there is a setting that nothing has asked for
    void requireAllAsked() {
        for (String name : values.keySet()) {
            if (!asked.contains(name)) {
                throw new ConfigException(
                        "for %s %s; %s is none of them%s"
                                .formatted(
                                        optimizer,
                                        asked.isEmpty() ? "nothing" : String.join(", ", asked),
                                        name,
                                        instead(name)));
            }
        }
    }

    private String instead(String name) {
        return switch (name) {
            case "weight_decay" -> ", use the key weight_decay";
            case "lr", "learning_rate" -> ", use the key learning_rate";
            case "betas", "beta1", "beta2" -> ", use the keys adam_beta1 and adam_beta2";
            case "eps" -> ", use the key adam_epsilon";
            default ->
                    Spelling.nearest(name, asked)
                            .map(nearest -> ", did you mean " + nearest + "?")
                            .orElse("");
        };
    }
}
