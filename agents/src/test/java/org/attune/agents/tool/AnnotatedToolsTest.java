package org.attune.agents.tool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

import javax.tools.ToolProvider;

final class AnnotatedToolsTest {
    private static final ToolContext CONTEXT =
            new ToolContext(
                    new EpisodeStart(new EpisodeId(0, 3), Map.of("key", "row"), 1, 0, 0),
                    2,
                    0,
                    RandomSource.SPLIT_MIX_64.create(1),
                    Instant.MAX);

    enum Colour {
        RED,
        GREEN
    }

    record Place(@Arg("in degrees") double latitude, Optional<String> name) {}

    @SuppressWarnings("unused") // called by reflection
    static class Everything {
        @ToolMethod("Multiplies.")
        private int multiply(@Arg("first") int a, int b) {
            return a * b;
        }

        @ToolMethod(value = "Takes all.", name = "all", returns = "what it took")
        String all(
                long whole,
                Boolean truth,
                Colour colour,
                Place place,
                List<Integer> list,
                Set<String> set,
                int[] array,
                Map<String, Double> map,
                JsonNode json,
                Object any,
                BigInteger big,
                BigDecimal decimal,
                char letter,
                OptionalInt maybe,
                @Arg(name = "or_else") Optional<Colour> orElse,
                ToolContext context) {
            return "%s %s %s %s %s %s %s %s %s %s %s %s %s %s %s %s"
                    .formatted(
                            whole,
                            truth,
                            colour,
                            place,
                            list,
                            set,
                            Arrays.toString(array),
                            map,
                            json,
                            any,
                            big,
                            decimal,
                            letter,
                            maybe,
                            orElse,
                            context.episode().row().get("key"));
        }

        void unmarked() {}
    }

    private static Tool tool(Object object, String name) {
        return AnnotatedTools.of(object).stream()
                .filter(t -> t.spec().name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aMethodIsDescribedAsTrlDescribesAFunction() {
        assertEquals(
                "{\"type\": \"function\", \"function\": {\"name\": \"multiply\", \"description\":"
                        + " \"Multiplies.\", \"parameters\": {\"type\": \"object\", \"properties\":"
                        + " {\"a\": {\"type\": \"integer\", \"description\": \"first\"}, \"b\":"
                        + " {\"type\": \"integer\"}}, \"required\": [\"a\", \"b\"]}}}",
                Json.write(tool(new Everything(), "multiply").spec().asTemplateValue()));
    }

    @Test
    void everyTypeHasItsSchema() {
        ToolSpec spec = tool(new Everything(), "all").spec();
        Map<?, ?> properties = (Map<?, ?>) spec.parameters().get("properties");
        assertEquals(
                "{\"type\": \"object\", \"properties\": {\"latitude\": {\"type\": \"number\","
                        + " \"description\": \"in degrees\"}, \"name\": {\"type\": \"string\"}},"
                        + " \"required\": [\"latitude\"]}",
                Json.write(properties.get("place")));
        assertEquals(
                "{\"type\": \"string\", \"enum\": [\"RED\", \"GREEN\"]}",
                Json.write(properties.get("colour")));
        assertEquals(
                "{\"type\": \"array\", \"items\": {\"type\": \"integer\"}}",
                Json.write(properties.get("list")));
        assertEquals(
                "{\"type\": \"object\", \"additionalProperties\": {\"type\": \"number\"}}",
                Json.write(properties.get("map")));
        assertEquals(Map.of(), properties.get("json"));
        List<?> required = (List<?>) spec.parameters().get("required");
        assertEquals(13, required.size());
        assertTrue(!required.contains("maybe") && !properties.containsKey("context"));
        assertEquals("what it took", spec.result().get("description"));
    }

    @Test
    void everyTypeTakesItsValue() throws Exception {
        Object json =
                Json.parse(
                        """
                        {"whole": 9000000000, "truth": true, "colour": "GREEN",
                         "place": {"latitude": 1}, "list": [1, 2], "set": ["a", "a"],
                         "array": [3], "map": {"x": 1}, "json": {"y": [null]}, "any": [1.5],
                         "big": 12345678901234567890, "decimal": 0.1, "letter": "q"}
                        """);
        var arguments = new ToolCallArguments(json).named();
        assertEquals(
                "9000000000 true GREEN Place[latitude=1.0, name=Optional.empty] [1, 2] [a] [3]"
                    + " {x=1.0} {\"y\":[null]} [1.5] 12345678901234567890 0.1 q OptionalInt.empty"
                    + " Optional.empty row",
                tool(new Everything(), "all").call(arguments, CONTEXT).text());
    }

    private record ToolCallArguments(Object json) {
        Map<String, Object> named() {
            return new org.attune.text.parse.ToolCall(Optional.empty(), "", json, "").named();
        }
    }

    @Test
    void whatATypeCannotHoldIsRefused() {
        Tool multiply = tool(new Everything(), "multiply");
        var refused =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> multiply.call(Map.of("a", 3_000_000_000L, "b", 1L), CONTEXT));
        assertEquals("\"a\": 3000000000 is out of range", refused.getMessage());
    }

    @SuppressWarnings("unused") // called by reflection
    static final class Results {
        private final Object value;

        Results(Object value) {
            this.value = value;
        }

        @ToolMethod("Gives.")
        Object give() {
            return value;
        }

        @ToolMethod("Does.")
        void act() {}

        @ToolMethod(value = "Fails.", refuses = NoSuchElementException.class)
        String fail(String how) throws Exception {
            throw switch (how) {
                case "model" -> new NoSuchElementException("not there");
                default -> new java.io.IOException("disk");
            };
        }
    }

    private static String given(Object value) throws Exception {
        return tool(new Results(value), "give").call(Map.of(), CONTEXT).text();
    }

    @Test
    void resultsAreTextOrJson() throws Exception {
        assertEquals("plain \"text\"", given("plain \"text\""));
        assertEquals("42", given(42));
        assertEquals("0.1", given(0.1f));
        assertEquals("null", given(null));
        assertEquals("[1, \"RED\", null]", given(Arrays.asList(1, Colour.RED, null)));
        assertEquals("{\"latitude\": 1.0, \"name\": \"x\"}", given(new Place(1, Optional.of("x"))));
        assertEquals("[1, 2]", given(new int[] {1, 2}));
        assertEquals("ok", tool(new Results(""), "act").call(Map.of(), CONTEXT).text());
        assertEquals(
                new ToolResult.Final("over"),
                tool(new Results(new ToolResult.Final("over")), "give").call(Map.of(), CONTEXT));
        assertThrows(IllegalStateException.class, () -> given(new Object()));
    }

    @Test
    void theModelsFailuresAreNamed() {
        Tool fail = tool(new Results(""), "fail");
        var models =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> fail.call(Map.of("how", "model"), CONTEXT));
        assertEquals("not there", models.getMessage());
        assertThrows(java.io.IOException.class, () -> fail.call(Map.of("how", "world"), CONTEXT));
    }

    @SuppressWarnings("unused")
    static final class Twice {
        @ToolMethod("A.")
        void a() {}

        @ToolMethod(value = "B.", name = "a")
        void b() {}
    }

    @SuppressWarnings("unused")
    static final class Unknown {
        @ToolMethod("A.")
        void a(Thread thread) {}
    }

    @Test
    void whatCannotBeAToolIsRefused() {
        assertMessage("two methods of", () -> AnnotatedTools.of(new Twice()));
        assertMessage(
                "parameter thread: type java.lang.Thread; accepted: primitives",
                () -> AnnotatedTools.of(new Unknown()));
        assertMessage("has no tool; mark its methods", () -> ToolSet.of("a text"));
    }

    private static void assertMessage(String part, org.junit.jupiter.api.function.Executable what) {
        String message = assertThrows(ConfigException.class, what).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void namesThatAreNotThereAreRefused(@TempDir Path folder) throws Exception {
        Path source = folder.resolve("Nameless.java");
        Files.writeString(
                source,
                "public class Nameless { @org.attune.agents.tool.ToolMethod(\"A.\") public int"
                        + " a(int x) { return x; } }");
        int code =
                ToolProvider.getSystemJavaCompiler()
                        .run(
                                null,
                                null,
                                null,
                                "-proc:none",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "-d",
                                folder.toString(),
                                source.toString());
        assertEquals(0, code);
        try (var loader =
                new URLClassLoader(
                        new java.net.URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
            Object object = loader.loadClass("Nameless").getDeclaredConstructor().newInstance();
            assertMessage("a model would read arg0", () -> AnnotatedTools.of(object));
        }
    }

    @SuppressWarnings("unused")
    static final class Counter implements Environment {
        private int count;

        @Override
        public Opening reset(EpisodeStart start) {
            return Opening.NOTHING;
        }

        @ToolMethod("Reads the counter.")
        int read() {
            return count;
        }

        @ToolMethod("Adds to the counter.")
        int increment(int step) {
            return count += step;
        }
    }

    @Test
    void anEnvironmentsMethodsAreItsToolsByName() throws Exception {
        Environment counter = new Counter();
        List<Tool> tools = counter.tools();
        assertEquals(
                List.of("increment", "read"), tools.stream().map(t -> t.spec().name()).toList());
        tools.getFirst().call(Map.of("step", 4L), CONTEXT);
        assertEquals("4", tools.getLast().call(Map.of(), CONTEXT).text());
    }
}
