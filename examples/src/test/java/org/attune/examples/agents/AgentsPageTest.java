package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Step;
import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSpec;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What `docs/agents.md` shows of tools and environments works as it stands there.
@Timeout(120)
final class AgentsPageTest {
    private static final Pattern BLOCK = Pattern.compile("(?s)\n```(java|python)\n(.*?)\n```");
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of("goal", 3L), 42, 0, 0);

    @TempDir Path folder;
    private final ToolCaller caller = new ToolCaller();
    private String page;

    @BeforeEach
    void read() throws IOException {
        page =
                Files.readString(
                        Path.of(System.getProperty("attune.root", "..")).resolve("docs/agents.md"));
    }

    /// Writes the block that holds a text into a file.
    private void write(String part, String file) throws IOException {
        Matcher block = BLOCK.matcher(page);
        while (block.find()) {
            if (block.group(2).contains(part)) {
                Files.writeString(folder.resolve(file), block.group(2));
                return;
            }
        }
        throw new AssertionError("no block has " + part);
    }

    private String call(List<Tool> tools, String name, Map<String, Object> arguments)
            throws Exception {
        var call = new ToolCall(Optional.empty(), name, arguments, "");
        return caller.call(tools, List.of(call), START, 0).getFirst().text();
    }

    @Test
    void theShopSells() throws Exception {
        write("public class Shop", "Shop.java");
        try (RunTools run = RunTools.parse("Shop.java", null, folder);
                ToolSet shop = run.tools().getFirst().open(START)) {
            assertEquals("sold 7", call(shop.tools(), "sell", Map.of("count", "7")));
            assertEquals("error: only 3 are left", call(shop.tools(), "sell", Map.of("count", 4L)));
        }
    }

    @Test
    void theDuelHasRoles() throws Exception {
        write("public class Duel", "Duel.java");
        try (RunTools run = RunTools.parse(null, Map.of("duel", "Duel.java"), folder);
                Environment duel = run.environments().get("duel").make()) {
            duel.reset(START);
            assertEquals(List.of("first", "second"), duel.roles());
            var three = new ParsedTurn(Message.of("assistant", "3"), List.of(), List.of(), false);
            var step = (Step.Observe) duel.step(three, 0);
            assertEquals("second", step.role());
            assertEquals("The other took 3. 4 are left.", step.messages().getFirst().content());
            duel.step(three, 1);
            assertTrue(duel.step(three, 2) instanceof Step.Done, "three of one stone");
            assertEquals(Map.of("first", -1.0, "second", 1.0), duel.rewards(null));
        }
    }

    @Test
    void theCounterCounts() throws Exception {
        write("public class Counter", "Counter.java");
        Map<String, Object> environments = Map.of("counter", "Counter.java");
        try (RunTools run = RunTools.parse(null, environments, folder);
                Environment counter = run.environments().get("counter").make()) {
            assertEquals(Optional.of(" Count to 3."), counter.reset(START).toLast());
            assertEquals("2", call(counter.tools(), "increment", Map.of("step", 2L)));
        }
    }

    @Test
    void theProgramShouts() throws Exception {
        boolean isThere =
                List.of(System.getenv("PATH").split(":")).stream()
                        .anyMatch(path -> Files.isExecutable(Path.of(path, "python3")));
        assumeTrue(isThere, "python3 is not installed");
        write("\"shout\"", "shout.py");
        Map<String, Object> entry = Map.of("command", "python3 shout.py");
        try (RunTools run = RunTools.parse(entry, null, folder);
                ToolSet set = run.tools().getFirst().open(START)) {
            assertEquals("HI!", call(set.tools(), "shout", Map.of("text", "hi")));
        }
    }

    @Test
    void theLambdaDoubles() throws Exception {
        Tool twice =
                Tool.of(
                        ToolSpec.of("twice", "Doubles a number.")
                                .with("n", "integer", "the number"),
                        (arguments, _) -> 2 * (Long) arguments.get("n"));
        assertEquals("42", call(List.of(twice), "twice", Map.of("n", "21")));
        String error = call(List.of(twice), "twice", Map.of("n", "seven"));
        assertTrue(page.contains(error), error);
    }
}
