package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.gateway.AgentHost;
import org.attune.agents.gateway.AgentProgram;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeRow;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.text.ChatTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnParser;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// Episodes that an agent's program leads, with turns that were written beforehand.
class AgentEpisodeTest {
    private static final String TEMPLATE =
            "{%- for m in messages %}[{{ m.role }}]{{ m.content }}{% for c in m.tool_calls or []"
                + " %}call:{{ c.function.name }} {{ c.function.arguments | tojson }}{% endfor %}§{%"
                + " endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";

    private static final ChatTokenizer CHAT =
            new ChatTokenizer(
                    new CharTokens(),
                    JinjaChatTemplate.compile("toy", TEMPLATE, SpecialTokens.none()));

    private final EpisodeFormat format =
            new EpisodeFormat(
                    CHAT,
                    Map.of(),
                    new TemplateCodec(CHAT, Map.of(), Set.of(CharTokens.END)),
                    parser(),
                    AnswerForm.PLAIN);

    private EpisodeConfig config =
            EpisodeConfig.defaults().withEpisodeRetries(0).withMaxFailedEpisodes(1);

    /// What each turn had before it, as text.
    private List<String> contexts = List.of();

    private static TurnParser parser() {
        return (prefix, turn, tools) -> {
            String text = turn.replace("§", "");
            if (!text.startsWith("call:")) {
                return new ParsedTurn(Message.of("assistant", text), List.of(), List.of(), false);
            }
            String[] parts = text.substring("call:".length()).split(" ", 2);
            var call = new ToolCall(Optional.empty(), parts[0], Json.parse(parts[1]), text);
            return new ParsedTurn(Message.of("assistant", ""), List.of(call), List.of(), false);
        };
    }

    private List<Episode> run(List<Map<String, Object>> rows, String... turns) throws IOException {
        return run(Duration.ofMinutes(2), rows, turns);
    }

    private List<Episode> run(Duration timeout, List<Map<String, Object>> rows, String... turns)
            throws IOException {
        var program =
                new AgentProgram(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty("java.class.path"),
                                ToyAgent.class.getName()),
                        Path.of("."),
                        Map.of(),
                        timeout);
        var sampler =
                new ScriptedSampler(
                        2,
                        Set.of(CharTokens.END),
                        (sequence, number) -> turns[number].chars().toArray());
        List<EpisodeTask> tasks = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            var start = new EpisodeStart(new EpisodeId(0, i), rows.get(i), 7, 0, 0);
            tasks.add(new EpisodeTask(start, List.of(), new int[] {'x'}));
        }
        try (AgentHost host = AgentHost.open(program);
                var caller = new ToolCaller()) {
            var run = new EpisodeRun(Worlds.of(host), format, config, caller, 1000, 2000);
            assertTrue(run.mayGoOn());
            List<Episode> episodes = run.complete(tasks, sampler, (place, episode) -> {});
            contexts =
                    sampler.seen.stream()
                            .map(ids -> text(Arrays.copyOf(ids, sampler.contextOf(ids))))
                            .toList();
            return episodes;
        }
    }

    private static String text(int[] ids) {
        return CHAT.tokenizer().decode(ids, false);
    }

    private static Map<String, Object> row(long ask, String end) {
        return Map.of("ask", ask, "end", end);
    }

    @Test
    void aConversationIsOneRowOfTokensAsSampled() throws Exception {
        Episode episode =
                run(List.of(row(2, "{\"reward\": 0.5, \"seen\": 1}")), "one§", "two§").getFirst();
        assertEquals(
                List.of(
                        "[user]begin§[assistant]",
                        "[user]begin§[assistant]one§[user]more 0§[assistant]"),
                contexts);
        assertEquals(EndReason.ANSWERED, episode.end());
        assertEquals(Map.of("agent", OptionalDouble.of(0.5)), episode.rewards());
        assertEquals(Map.of("seen", 1L), episode.state());
        assertEquals(List.of(Message.of("user", "begin")), episode.prompt());
        assertEquals("[user]begin§[assistant]", text(episode.promptIds()));
        assertEquals("one§[user]more 0§[assistant]two§", text(episode.completionIds()));
        assertEquals("two§".length() + "one§".length(), episode.sampledTokens());
        assertEquals(1, episode.rows().size());
        assertEquals(
                List.of("one", "more 0", "two"),
                episode.messages().stream().map(Message::content).toList());
    }

    @Test
    void theProgramRunsItsTools() throws Exception {
        Episode episode = run(List.of(row(2, "1")), "call:add {\"a\": 1}§", "done§").getFirst();
        assertEquals(
                "[user]begin§[assistant]call:add {\"a\": 1}§[tool]result 0§[assistant]",
                contexts.getLast());
        assertEquals(OptionalDouble.of(1), episode.rewards().get("agent"));
        assertEquals(1, episode.rows().size());
    }

    @Tag("thorough")
    @Test
    void historyThatAProgramRewritesBeginsAnotherRow() throws Exception {
        Map<String, Object> row = Map.of("ask", 2L, "history", "rewritten", "end", "0");
        Episode episode = run(List.of(row), "one§", "two§").getFirst();
        List<EpisodeRow> rows = episode.rows();
        assertEquals(2, rows.size());
        assertEquals("[user]begin§[assistant]", text(rows.get(0).promptIds()));
        assertEquals("one§", text(rows.get(0).ids()));
        assertEquals(
                "[user]begin§[assistant]…§[user]more 0§[assistant]", text(rows.get(1).promptIds()));
        assertEquals("two§", text(rows.get(1).ids()));
        assertTrue(episode.isForked());
    }

    @Tag("thorough")
    @Test
    void renderedHistoryGoesOnWhereItsTokensAreThoseSoFar() throws Exception {
        config = config.withHistory(History.TEMPLATE);
        Episode episode = run(List.of(row(2, "0")), "one§", "two§").getFirst();
        assertEquals(1, episode.rows().size());
        assertEquals("one§[user]more 0§[assistant]two§", text(episode.completionIds()));
    }

    @Tag("thorough")
    @Test
    void aProgramThatFailsIsTheWorldsFailure() throws Exception {
        List<Episode> episodes = run(List.of(row(1, "fail"), row(1, "0.25")), "one§", "two§");
        assertEquals(EndReason.FAILED, episodes.getFirst().end());
        assertEquals(Map.of(), episodes.getFirst().rewards());
        assertEquals(EndReason.ANSWERED, episodes.getLast().end());
    }

    @Tag("thorough")
    @Test
    void aProgramThatHangsIsKilled() throws Exception {
        Episode episode = run(Duration.ofSeconds(2), List.of(row(0, "hang")), "one§").getFirst();
        assertEquals(EndReason.FAILED, episode.end());
    }

    @Test
    void aProgramThatGivesNoRewardEndsWell() throws Exception {
        Episode episode = run(List.of(row(1, "some text")), "one§").getFirst();
        assertEquals(Map.of("agent", OptionalDouble.empty()), episode.rewards());
        assertEquals(EndReason.ANSWERED, episode.end());
    }

    @Tag("thorough")
    @Test
    void budgetsRefuseFurtherRequests() throws Exception {
        config = config.withLimits(config.limits().withMaxTurns(1));
        Episode episode = run(List.of(row(3, "1")), "one§").getFirst();
        assertEquals(EndReason.MAX_TURNS, episode.end());
        assertEquals("one§", text(episode.completionIds()));
    }

    @Test
    void aProgramThatDoesNotAskTheModelHasFailed() throws Exception {
        Episode episode = run(List.of(row(0, "1")), "one§").getFirst();
        assertEquals(EndReason.FAILED, episode.end());
    }

    @Test
    void anAgentBringsItsOwnTools() throws Exception {
        var program =
                new AgentProgram(List.of("true"), Path.of("."), Map.of(), Duration.ofSeconds(1));
        try (AgentHost host = AgentHost.open(program)) {
            assertThrows(
                    ConfigException.class,
                    () ->
                            new Worlds(
                                    List.of(_ -> ToolSet.of(List.of())),
                                    Map.of(),
                                    Optional.of(host)));
        }
    }
}
