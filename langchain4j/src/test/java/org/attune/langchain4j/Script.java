package org.attune.langchain4j;

import org.attune.serve.LocalModels;
import org.attune.serve.RandomModels;
import org.attune.serve.ScriptedModels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// What the model writes in LangChain4j's own tests, which expect a model that knows a lot.
final class Script {
    /// What is said on something that a prompt has. The first that is there counts.
    private static final List<Map.Entry<String, List<String>>> LINES =
            List.of(
                    say("14:35", "It is sunny, and 14:35."),
                    say("10:14", "It is 10:14."),
                    say(
                            "sunny\n",
                            "The sun shines.",
                            "{\"weather\":\"sunny\"}",
                            "{\"city\":\"Munich\",\"weather\":\"SUNNY\"}"),
                    say(
                            "Munich and time in France",
                            call("getWeather", "city", "Munich")
                                    + "\n"
                                    + call("getTime", "country", "France")),
                    say(
                            "weather in Munich",
                            call("getWeather", "city", "Munich"),
                            "{\"name\":\"getWeather\",\"arguments\":{\"city\":\"Munich\"}}",
                            "{\"name\":\"getWeather\",\"arguments\":{\"arg0\":\"Munich\"}}"),
                    say("get_current_time", ScriptedModels.call("get_current_time", Map.of())),
                    say(
                            "I live in Munich",
                            "{\"name\":\"getWeather\",\"arguments\":{\"city\":\"Munich\"}}"),
                    say("I love you", "Ich liebe dich."),
                    say("favorite color", "It is green."),
                    say("Hello World", "Hello World"),
                    say("long story", "Once upon a time there was a cat, and a dog, and a cow."),
                    say("capital of Germany", "{\"city\":\"Berlin\"}"),
                    say("hello", "Good morning."));

    private Script() {}

    static Map.Entry<String, List<String>> say(String prompt, String... texts) {
        return Map.entry(prompt, List.of(texts));
    }

    private static String call(String tool, String key, String value) {
        return ScriptedModels.call(tool, Map.of(key, value));
    }

    /// Opens a model that writes lines, with an adapter called `other`.
    static LocalModels open() {
        return open(LINES);
    }

    static LocalModels open(List<Map.Entry<String, List<String>>> lines) {
        try {
            Path folder = Files.createTempDirectory(Path.of("target"), "script");
            Path adapter = RandomModels.adapter(folder.resolve("adapter"), 1);
            return ScriptedModels.open(
                    folder,
                    config -> config.withAdapters(Map.of("other", adapter.toString())),
                    prompt -> line(lines, prompt));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> line(List<Map.Entry<String, List<String>>> lines, String prompt) {
        return lines.stream()
                .filter(line -> prompt.contains(line.getKey()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("nothing to say on " + prompt))
                .getValue();
    }
}
