package org.attune.error;

import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Keys, tokens and passwords: where they stand, and how messages and files look without them.
///
/// A secret is known by the name before it (`api_key`, `Authorization`, `MY_TOKEN`), by its place
/// in an address (`user:password@host`, `?api_key=…`), or since it was learned: it is the
/// value of a variable in [#VARIABLES], stood under such a name, or went out to a server. What was
/// learned is hidden wherever it turns up, as in the answer of a server that quotes it. `$NAME` is
/// no secret but says where one is.
public final class Secrets {
    /// What stands in the place of a secret.
    public static final String MASK = "***";

    /// The variables with secrets that Attune itself reads.
    public static final Set<String> VARIABLES =
            Set.of(
                    "HF_TOKEN",
                    "HUGGING_FACE_HUB_TOKEN",
                    "ROLLOUT_SERVER_API_KEY",
                    "ATTUNE_API_KEY",
                    "WANDB_API_KEY",
                    "MLFLOW_TRACKING_TOKEN",
                    "MLFLOW_TRACKING_PASSWORD",
                    "TRACKIO_WRITE_TOKEN");

    /// How the variables begin that hand words of a command line on which hold secrets.
    public static final String WORD = "ATTUNE_WORD_";

    /// Whether a variable is one that programs which a run starts don't get.
    public static boolean isSecretVariable(String name) {
        return VARIABLES.contains(name) || name.startsWith(WORD);
    }

    /// Shorter ones are not looked for in texts: they would hide words.
    private static final int SHORTEST = 8;

    private static final String NAMES =
            "(?:(?i:[\\w-]*(?:api[-_]?key|passw(?:or)?d|secret|authorization)"
                    + "|[\\w-]*(?:hub|hf|access|auth|write|bearer|session|refresh)[-_]?token)"
                    + "|[A-Z0-9_]*(?:TOKEN|KEY|PASSWORD|SECRET))";
    private static final Pattern NAME = Pattern.compile(NAMES + "|token");
    private static final String SCHEME = "(?:Bearer|Basic)\\s+";

    /// A name with its value, as in YAML, JSON, headers and assignments.
    private static final Pattern NAMED =
            Pattern.compile(
                    "(?<![\\w-])("
                            + NAMES
                            + "[\"']?\\s*[:=]\\s*[\"']?(?:"
                            + SCHEME
                            + ")?+)(?!\\$|null\\b|\\*\\*\\*)([^\\s\"',;{}\\[\\]()]*"
                            + "[^\\s\"',;{}\\[\\]():.])");

    private static final Pattern USER =
            Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*://)([^/\\s@?#\"']+)@");
    private static final Pattern QUERY =
            Pattern.compile(
                    "([?&](?:" + NAMES + "|(?i:token|key|sig|signature|code))=)([^&\\s\"'#]+)");

    /// The longest first: one may be part of another.
    private static final Set<String> LEARNED =
            new ConcurrentSkipListSet<>(
                    Comparator.comparingInt(String::length).reversed().thenComparing(s -> s));

    static {
        VARIABLES.forEach(name -> learn(System.getenv().getOrDefault(name, "")));
    }

    private Secrets() {}

    /// Hides a text from now on.
    ///
    /// @param secret as a header has it; what names its kind (`Bearer`) is left out
    public static void learn(String secret) {
        String value = secret.strip().replaceFirst("^" + SCHEME, "");
        if (value.length() >= SHORTEST && !value.startsWith("$")) {
            LEARNED.add(value);
        }
    }

    /// Hides the secrets of a configuration from now on.
    ///
    /// @param value texts, maps and lists of them
    public static void learnFrom(Object value) {
        switch (value) {
            case Map<?, ?> map ->
                    map.forEach(
                            (key, inner) -> {
                                if (isSecret(key, inner)) {
                                    learn(inner.toString());
                                } else {
                                    learnFrom(inner);
                                }
                            });
            case List<?> list -> list.forEach(Secrets::learnFrom);
            case String text -> learnFromAddress(text);
            case null, default -> {}
        }
    }

    private static void learnFromAddress(String text) {
        if (text.contains("://")) {
            USER.matcher(text).results().forEach(r -> learn(r.group(2).replaceFirst("^.*?:", "")));
            QUERY.matcher(text).results().forEach(found -> learn(found.group(2)));
        }
    }

    /// Copies a configuration and writes a mask in place of each secret.
    ///
    /// @param value texts, maps and lists of them
    public static Object without(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                Map<Object, Object> masked = new LinkedHashMap<>();
                map.forEach(
                        (key, inner) ->
                                masked.put(key, isSecret(key, inner) ? MASK : without(inner)));
                yield masked;
            }
            case List<?> list -> {
                List<Object> masked = new ArrayList<>();
                list.forEach(inner -> masked.add(without(inner)));
                yield masked;
            }
            case String text -> ofAddress(text);
            case null, default -> value;
        };
    }

    /// Whether a configuration has masks, and so lacks what it needs.
    ///
    /// @param value texts, maps and lists of them
    public static boolean isMasked(Object value) {
        return switch (value) {
            case Map<?, ?> map ->
                    map.entrySet().stream()
                            .anyMatch(
                                    e ->
                                            isSecret(e.getKey(), e.getValue())
                                                    ? MASK.equals(e.getValue())
                                                    : isMasked(e.getValue()));
            case List<?> list -> list.stream().anyMatch(Secrets::isMasked);
            case String text ->
                    text.contains("://")
                            && (USER.matcher(text).results().anyMatch(Secrets::hasMask)
                                    || QUERY.matcher(text).results().anyMatch(Secrets::hasMask));
            case null, default -> false;
        };
    }

    private static boolean hasMask(MatchResult found) {
        return found.group(2).equals(MASK);
    }

    private static boolean isSecret(Object key, Object value) {
        return value instanceof String text
                && NAME.matcher(String.valueOf(key)).matches()
                && !text.strip().replaceFirst("^" + SCHEME, "").startsWith("$");
    }

    /// A text with masks.
    public static String masked(String text) {
        String masked = text;
        for (String secret : LEARNED) {
            masked = masked.replace(secret, MASK);
        }
        return NAMED.matcher(ofAddress(masked)).replaceAll(found -> shown(found, ""));
    }

    /// An address as messages show it.
    public static String masked(URI address) {
        return ofAddress(address.toString());
    }

    private static String ofAddress(String text) {
        if (!text.contains("://")) {
            return text;
        }
        String masked = USER.matcher(text).replaceAll(found -> shown(found, "@"));
        return QUERY.matcher(masked).replaceAll(found -> shown(found, ""));
    }

    private static String shown(MatchResult found, String end) {
        return Matcher.quoteReplacement(found.group(1) + MASK + end);
    }
}
