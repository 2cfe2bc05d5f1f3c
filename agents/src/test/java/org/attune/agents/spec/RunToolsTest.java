package org.attune.agents.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.tool.ToolMethod;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

final class RunToolsTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 0, 0, 0);

    private static final String SHOP =
            """
            import org.attune.agents.tool.*;
            public class Shop implements AutoCloseable {
                private int sold;
                @ToolMethod("Sells.") int sell(int count) { return sold += count; }
                @ToolMethod("Asks.") String ask() { return "what?"; }
                public void close() { Shop.class.getModule(); }
            }
            """;

    @TempDir Path folder;

    private static String call(ToolSet set, String tool, Map<String, Object> arguments)
            throws Exception {
        return set.tools().stream()
                .filter(t -> t.spec().name().equals(tool))
                .findFirst()
                .orElseThrow()
                .call(arguments, null)
                .text();
    }

    private static List<String> names(ToolSet set) {
        return set.tools().stream().map(t -> t.spec().name()).toList();
    }

    @Test
    void aSourceFileHasAnInstanceForEachEpisode() throws Exception {
        Files.writeString(folder.resolve("Shop.java"), SHOP);
        try (RunTools run = RunTools.parse("Shop.java", null, folder)) {
            ToolSet one = run.tools().getFirst().open(START);
            ToolSet other = run.tools().getFirst().open(START);
            assertEquals(List.of("ask", "sell"), names(one));
            assertEquals("2", call(one, "sell", Map.of("count", 2L)));
            assertEquals("3", call(other, "sell", Map.of("count", 3L)));
            one.close();
        }
        Map<String, Object> shared =
                Map.of("file", "Shop.java", "per", "run", "only", List.of("sell"));
        try (RunTools run = RunTools.parse(List.of(shared), null, folder)) {
            ToolSet one = run.tools().getFirst().open(START);
            assertEquals(List.of("sell"), names(one));
            assertEquals("2", call(one, "sell", Map.of("count", 2L)));
            assertEquals(
                    "5", call(run.tools().getFirst().open(START), "sell", Map.of("count", 3L)));
        }
    }

    @Test
    void builtInToolsHaveNames() throws Exception {
        List<Object> entries = List.of("calculator", Map.of("name", "calculator", "as", "calc"));
        try (RunTools run = RunTools.parse(entries, null, folder)) {
            assertEquals(
                    "6",
                    call(
                            run.tools().get(0).open(START),
                            "calculator",
                            Map.of("expression", "2 * 3")));
            assertEquals(List.of("calc"), names(run.tools().get(1).open(START)));
        }
    }

    /// Named by the tests below.
    public static final class Door implements Environment {
        @Override
        public Opening reset(EpisodeStart start) {
            return Opening.NOTHING;
        }

        @ToolMethod("Opens.")
        String open() {
            return "open";
        }
    }

    @Test
    void environmentsAreMadeForEachEpisode() throws Exception {
        String door = "class:" + Door.class.getName();
        try (RunTools run = RunTools.parse(null, Map.of("door", door), folder)) {
            Environment one = run.environments().get("door").make();
            assertInstanceOf(Door.class, one);
            assertNotSame(one, run.environments().get("door").make());
        }
    }

    @Test
    void allProblemsAreToldWithTheirPlaces() {
        List<Object> tools =
                List.of(
                        "calculater",
                        "tools.py",
                        Map.of("name", "calculator", "digits", 3),
                        Map.of("command", List.of(), "per", "day", "timeout", -1),
                        Map.of("url", "nowhere", "command", "x"),
                        Map.of("url", "ftp:x"),
                        7,
                        "class:" + Door.class.getName());
        Map<String, Object> environments =
                Map.of("shop", Map.of("commnd", "x"), "door", "Door.class");
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> RunTools.parse(tools, environments, folder))
                        .getMessage();
        List<String> expected =
                List.of(
                        "tools[0]: there are no tools called \"calculater\", did you mean"
                                + " \"calculator\"?",
                        "tools[1]: tools.py is Python; run it as a program: {command: [python,"
                                + " tools.py]}",
                        "tools[2]: \"digits\" is no parameter; known are as",
                        "tools[3]: timeout must be a positive number of seconds, got -1.0; per must"
                            + " be one of run, episode, got \"day\"; command must name a program,"
                            + " as [python, tools.py]",
                        "tools[4]: tools need exactly one of name, file, class, command, url or",
                        "tools[5]: url must be as http://localhost:8000/tools, got ftp:x",
                        "tools[6]: tools are a text or a map, got 7",
                        "and is no Environment (name that in environments), and not abstract",
                        "environments.shop: an environment needs exactly one of file, class,"
                                + " command, url, openenv, nemo_gym, got [commnd]",
                        "environments.door: there is no environment \"Door.class\"");
        expected.forEach(
                part -> assertTrue(message.contains(part), part + "\nis not in\n" + message));
    }

    @Test
    void onlyNamesToolsThatAreThere() throws Exception {
        Map<String, Object> entry = Map.of("name", "calculator", "only", "calc");
        try (RunTools run = RunTools.parse(entry, null, folder)) {
            var failure =
                    assertThrows(ConfigException.class, () -> run.tools().getFirst().open(START));
            assertEquals("only names \"calc\", and the tools are calculator", failure.getMessage());
        }
    }
}
