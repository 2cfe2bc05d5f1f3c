package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolResult;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeRow;
import org.attune.text.ChatTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/// No token is trained that was not sampled at its position after exactly the tokens before it:
/// random templates, tokenizers, turns and budgets.
final class EpisodePropertyTest {
    private static final int CASES = 200;
    private static final String[] PIECES = {
        "a",
        "b",
        " ",
        "\n",
        "é",
        "😀",
        "<call>echo {}</call>",
        "<call>no {}</call>",
        "[hm]",
        "<|start|>",
        "ab",
        "</call>",
        "tool\n",
        "\n\n",
        "<call>echo {\"a\": 1}</call>"
    };

    private final UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(29L);

    private boolean flip() {
        return random.nextBoolean();
    }

    private String text(int most) {
        var text = new StringBuilder();
        for (int i = random.nextInt(most + 1); i > 0; i--) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.toString();
    }

    /// A template that differs in what it writes around messages, whether the end token is written
    /// behind a turn or with the next header, and whether history keeps reasoning.
    private String template() {
        String behind = flip() ? "<|end|>" + (flip() ? "\n" : "") : flip() ? "" : "<|end|>\n\n";
        String before = flip() ? "<|start|>" : "\n<|start|>";
        String reasoning = flip() ? "" : " and loop.last";
        String header = flip() ? "{{ m.role }}\n" : "{{ m.role }}:";
        return """
        {%%- for m in messages -%%}
        {{- "%1$s" }}%2$s
        {%%- if m.reasoning_content%3$s %%}[{{ m.reasoning_content }}]{%% endif -%%}
        {{ m.content }}
        {%%- for c in m.tool_calls or [] -%%}
        <call>{{ c.function.name }} {{ c.function.arguments | tojson }}</call>
        {%%- endfor -%%}
        {{- "%4$s" }}
        {%%- endfor -%%}
        {%%- if add_generation_prompt %%}{{ "%1$s" }}assistant
        {%% endif -%%}
        """
                .formatted(
                        before.replace("\n", "\\n"),
                        header.replace("\n", "{{ '\\n' }}"),
                        reasoning,
                        behind.replace("\n", "\\n"));
    }

    private OptionalInt some(int least, int most) {
        return flip() ? OptionalInt.empty() : OptionalInt.of(least + random.nextInt(most));
    }

    private EpisodeConfig config() {
        EpisodeLimits none = EpisodeLimits.none();
        var limits =
                new EpisodeLimits(
                        some(1, 4),
                        some(0, 4),
                        some(1, 80),
                        some(1, 40),
                        some(16, 30),
                        some(1, 3),
                        none.episodeTimeout(),
                        none.toolTimeout());
        EpisodeConfig defaults = flip() ? EpisodeConfig.trl() : EpisodeConfig.defaults();
        return defaults.withLimits(limits)
                .withHistory(flip() ? History.TOKENS : History.TEMPLATE)
                .withPace(new Pace(random.nextInt(3), flip()));
    }

    @Tag("thorough")
    @Test
    void everyTrainedTokenFollowsWhatItsSamplerSaw() {
        int rows = 0;
        int turns = 0;
        for (int c = 0; c < CASES; c++) {
            List<Episode> episodes = play(c);
            for (Episode episode : episodes) {
                turns += episode.turns().size();
                rows += episode.rows().size();
            }
        }
        assertTrue(turns > 3 * CASES, turns + " turns");
        assertTrue(rows > episodes(CASES), rows + " rows");
    }

    private static int episodes(int cases) {
        return 3 * cases;
    }

    private List<Episode> play(int number) {
        var toy = new ToyChat();
        var chat =
                new ChatTokenizer(
                        toy.tokens,
                        JinjaChatTemplate.compile("case", template(), SpecialTokens.none()));
        EpisodeConfig config = config();
        Set<Integer> ends = toy.endIds();
        var format =
                new EpisodeFormat(
                        chat,
                        Map.of(),
                        new TemplateCodec(chat, Map.of(), ends),
                        ToyChat.parser(),
                        AnswerForm.PLAIN);
        Map<String, int[]> scripts = new HashMap<>();
        var sampler = new ScriptedSampler(2, ends, (i, turn) -> script(scripts, toy, i, turn));
        String answer = text(20);
        Tool echo = ToyChat.tool("echo", (_, _) -> new ToolResult.Ok(answer));
        int most = 30 + random.nextInt(200);
        int context = 80 + random.nextInt(200);
        try (var caller = new ToolCaller()) {
            var run = new EpisodeRun(ToyChat.tools(echo), format, config, caller, most, context);
            List<Episode> episodes = run.complete(ToyChat.tasks(3), sampler, EpisodeListener.NONE);
            check("case " + number, episodes, sampler);
            return episodes;
        }
    }

    /// Tokens that a tokenizer need not give, as a model's don't.
    private int[] script(Map<String, int[]> scripts, ToyChat toy, int sequence, int turn) {
        return scripts.computeIfAbsent(
                sequence + " " + turn,
                _ -> {
                    int[] whole = toy.tokens.encode(text(8), false);
                    int[] chars = toy.tokens.encode(text(2), false);
                    int[] last = {toy.tokens.control(flip() ? ToyChat.END : "<|other|>")};
                    return IntStream.concat(
                                    IntStream.concat(Arrays.stream(whole), Arrays.stream(chars)),
                                    Arrays.stream(last))
                            .toArray();
                });
    }

    /// Each own token with all before it was sampled so.
    private static void check(String name, List<Episode> episodes, ScriptedSampler sampler) {
        List<int[]> seen = sampler.seen;
        int own = 0;
        for (Episode episode : episodes) {
            for (EpisodeRow row : episode.rows()) {
                int[] all = joined(row.promptIds(), row.ids());
                for (int i = 0; i < row.ids().length; i++) {
                    if (!row.foreign().get(i)) {
                        own++;
                        int end = row.promptIds().length + i + 1;
                        assertTrue(
                                seen.stream().anyMatch(s -> isSampled(s, all, end, sampler)),
                                name + ", token " + i);
                    }
                }
            }
            assertEquals(
                    episode.sampledTokens(),
                    episode.rows().stream().mapToInt(EpisodeRow::ownTokens).sum(),
                    name);
            if (!episode.isForked() && !episode.rows().isEmpty()) {
                assertArrayEquals(episode.completionIds(), episode.rows().getFirst().ids(), name);
            }
        }
        assertTrue(own > 0, name);
    }

    /// Whether a turn with its context begins with the first tokens of a row, the last of which
    /// belongs to the turn.
    private static boolean isSampled(int[] turn, int[] row, int end, ScriptedSampler sampler) {
        return turn.length >= end
                && sampler.contextOf(turn) < end
                && Arrays.equals(turn, 0, end, row, 0, end);
    }

    private static int[] joined(int[] a, int[] b) {
        List<int[]> both = new ArrayList<>(List.of(a, b));
        return both.stream().flatMapToInt(Arrays::stream).toArray();
    }
}
