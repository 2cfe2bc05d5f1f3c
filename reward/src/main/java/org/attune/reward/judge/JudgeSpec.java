package org.attune.reward.judge;

import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.files.UserCache;
import org.attune.reward.builtin.Parameters;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Reads what stands under `judge` in an entry of `reward_funcs`:
/// ```
/// base_url: http://localhost:8000/v1     model: NAME          prompt: judge.txt or a text
/// scale: 1..5       mode: single|group   system: a text       seed: 0
/// concurrency: 4    requests_per_minute  tokens_per_minute    timeout: 60
/// api_key_env       temperature: 0       max_tokens: 1024     extra_body: {…}
/// cache: FOLDER or off
/// ```
/// Only the first two must be there. Without `base_url` the judge is a local model.
public final class JudgeSpec {
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private JudgeSpec() {}

    /// Whether a judge is a model of this process.
    ///
    /// @param value under `judge`
    public static boolean isLocal(Object value) {
        return value instanceof Map<?, ?> map && !map.containsKey("base_url");
    }

    /// @param value under `judge`
    /// @param directory of the run's file
    /// @throws ConfigException with everything that is wrong
    public static JudgeSettings of(Object value, Path directory) {
        return of(value, directory, System.getenv());
    }

    static JudgeSettings of(Object value, Path directory, Map<String, String> environment) {
        var given = new Parameters("reward \"judge\"", map(value));
        var server =
                new JudgeSettings.Server(
                        url(given),
                        given.requiredText("model"),
                        key(given, environment),
                        given.integer("concurrency", 4, 1),
                        limit(given, "requests_per_minute"),
                        limit(given, "tokens_per_minute"),
                        timeout(given),
                        PAUSE);
        boolean group = given.choice("mode", "single", "group").equals("group");
        JudgeSettings.Asked asked =
                new JudgeSettings.Asked(
                        Optional.of(given.text("system", "")).filter(text -> !text.isEmpty()),
                        prompt(given, group, directory),
                        scale(given),
                        group,
                        given.integer("seed", 0, 0));
        var sampling =
                new JudgeSettings.Sampling(
                        given.number("temperature", 0),
                        given.integer("max_tokens", 1024, 1),
                        extraBody(given));
        Optional<Path> cache = cache(given);
        given.check();
        return new JudgeSettings(server, asked, sampling, cache);
    }

    /// The keys of a map.
    ///
    /// @throws ConfigException if it is none
    public static Map<String, Object> map(Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new ConfigException(
                    "judge must be a map with base_url and model, or with model, got " + value);
        }
        var given = new LinkedHashMap<String, Object>();
        map.forEach((key, entry) -> given.put(String.valueOf(key), entry));
        return given;
    }

    private static String url(Parameters given) {
        String url = given.requiredText("base_url");
        try {
            URI parsed = new URI(url);
            boolean http = "http".equals(parsed.getScheme()) || "https".equals(parsed.getScheme());
            if (!url.isEmpty() && (!http || parsed.getHost() == null)) {
                given.problem(
                        "base_url must be like http://localhost:8000/v1, got \"%s\""
                                .formatted(url));
            }
        } catch (URISyntaxException e) {
            given.problem("base_url is no address: " + e.getMessage());
        }
        return url;
    }

    private static Optional<String> key(Parameters given, Map<String, String> environment) {
        String variable = given.text("api_key_env", "");
        if (variable.isEmpty()) {
            return Optional.empty();
        }
        String key = environment.getOrDefault(variable, "");
        if (key.isBlank()) {
            given.problem(
                    "api_key_env names the environment variable %s, which is not set; set it to the server's key"
                            .formatted(variable));
        }
        return Optional.of(key.strip());
    }

    private static OptionalInt limit(Parameters given, String name) {
        return given.has(name) ? OptionalInt.of(given.integer(name, 1, 1)) : absent(given, name);
    }

    private static OptionalInt absent(Parameters given, String name) {
        given.object(name); // so that it is known
        return OptionalInt.empty();
    }

    private static Duration timeout(Parameters given) {
        double seconds = given.number("timeout", 60);
        if (seconds <= 0 || seconds > 86_400) {
            given.problem("timeout must be above 0 and at most 86400 seconds, got " + seconds);
            return Duration.ofSeconds(60);
        }
        return Duration.ofMillis(Math.max(1, Math.round(seconds * 1000)));
    }

    /// What the judge is asked.
    ///
    /// @param group whether it compares
    public static JudgePrompt prompt(Parameters given, boolean group, Path directory) {
        String text = given.text("prompt", "");
        if (text.isEmpty()) {
            return group ? JudgePrompt.GROUP : JudgePrompt.SINGLE;
        }
        try {
            JudgePrompt prompt = JudgePrompt.of(text, directory);
            prompt.require(group);
            return prompt;
        } catch (ConfigException e) {
            given.problem(e.getMessage());
            return JudgePrompt.SINGLE;
        }
    }

    /// The scores that it may give.
    public static JudgeScale scale(Parameters given) {
        Object value = given.object("scale");
        try {
            return value == null ? JudgeScale.DEFAULT : JudgeScale.of(value);
        } catch (ConfigException e) {
            given.problem(e.getMessage());
            return JudgeScale.DEFAULT;
        }
    }

    private static Map<String, Object> extraBody(Parameters given) {
        Object value = given.object("extra_body");
        if (value == null) {
            return Map.of();
        }
        if (!(value instanceof Map<?, ?> map)) {
            given.problem("extra_body must be a map of further fields of requests, got " + value);
            return Map.of();
        }
        var body = new LinkedHashMap<String, Object>();
        map.forEach((key, entry) -> body.put(String.valueOf(key), entry));
        return body;
    }

    private static Optional<Path> cache(Parameters given) {
        Object value = given.object("cache");
        if (value == null) {
            return Optional.of(UserCache.folder("judge"));
        }
        if (value.equals(false) || value.equals("off")) {
            return Optional.empty();
        }
        if (value instanceof String folder && !folder.isEmpty()) {
            return Optional.of(GivenPath.of(folder));
        }
        given.problem("cache must be a folder, or off, got " + value);
        return Optional.empty();
    }
}
