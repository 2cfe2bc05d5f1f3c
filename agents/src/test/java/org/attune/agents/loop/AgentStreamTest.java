package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.gateway.AgentHost;
import org.attune.agents.gateway.AgentProgram;
import org.attune.agents.gateway.RawClient;
import org.attune.agents.tool.ToolCaller;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.json.Json;
import org.attune.model.config.AttentionConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.SampledTurn;
import org.attune.rollout.TurnSampler;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.TurnGenerator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.text.ChatTokenizer;
import org.attune.text.Message;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.turn.FormatParser;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/// Turns of a model as they are sampled, over sockets. The program that asks is this test: the
/// agent only says where to ask, and waits.
final class AgentStreamTest {
    private static final int TOKENS = 1000;
    private static final int STEP_MILLIS = 10;

    private static final ChatTokenizer CHAT = CharTokens.chat();

    @TempDir Path folder;

    private final AtomicInteger sampled = new AtomicInteger();
    private final AtomicInteger steps = new AtomicInteger();

    /// A sampler that takes its time.
    private record Slow(TurnGenerator of, AtomicInteger sampled, AtomicInteger steps)
            implements TurnSampler {
        @Override
        public int slots() {
            return of.slots();
        }

        @Override
        public List<String> stopStrings() {
            return of.stopStrings();
        }

        @Override
        public void begin(int sequence, int[] prompt, int most, int drawn) {
            of.begin(sequence, prompt, most, drawn);
        }

        @Override
        public void goOn(int sequence, int[] observed, int most) {
            of.goOn(sequence, observed, most);
        }

        @Override
        public void cut(int sequence) {
            of.cut(sequence);
        }

        @Override
        public void leave(int sequence) {
            of.leave(sequence);
        }

        @Override
        public void end(int sequence) {
            of.end(sequence);
        }

        @Override
        public boolean isBusy() {
            return of.isBusy();
        }

        @Override
        public void step(Listener listener) {
            steps.incrementAndGet();
            of.step(
                    new Listener() {
                        @Override
                        public void sampled(int sequence, int id) {
                            sampled.incrementAndGet();
                            listener.sampled(sequence, id);
                        }

                        @Override
                        public void ended(SampledTurn turn) {
                            listener.ended(turn);
                        }
                    });
            try {
                Thread.sleep(STEP_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Runs an episode for each of so many agents over one slot.
    private CompletableFuture<List<Episode>> run(int agents) {
        return run(agents, 1);
    }

    private CompletableFuture<List<Episode>> run(int agents, int slots) {
        return CompletableFuture.supplyAsync(() -> Engine.call(() -> episodes(agents, slots)));
    }

    private List<Episode> episodes(int agents, int slots) throws IOException {
        String script =
                "read -r row; n=$(echo \"$row\" | tr -dc 0-9); echo \"$OPENAI_BASE_URL"
                        + " $OPENAI_API_KEY\" > tmp$n; mv tmp$n at$n; while [ ! -e done ]; do sleep"
                        + " 0.1; done; echo 1";
        var program =
                new AgentProgram(
                        List.of("sh", "-c", script), folder, Map.of(), Duration.ofMinutes(2));
        var attention = new AttentionConfig(4, 2, 8, false, false, false, List.of(0, 0));
        var sampling = SamplingConfig.of(Distribution.plain(), TOKENS, Set.of(), 5);
        var format =
                new EpisodeFormat(
                        CHAT,
                        Map.of(),
                        new TemplateCodec(CHAT, Map.of(), Set.of(CharTokens.END)),
                        new FormatParser(Families.PLAIN.format(Set.of(), List.of())),
                        AnswerForm.PLAIN);
        // With an exact pace each agent waits for the other's next request.
        var config =
                EpisodeConfig.defaults()
                        .withEpisodeRetries(0)
                        .withMaxFailedEpisodes(1)
                        .withPace(new Pace(4, false));
        try (AgentHost host = AgentHost.open(program);
                var caller = new ToolCaller();
                Decoder decoder =
                        TinyModels.decoder(
                                TinyModels.sized(
                                        "llama", 32, 44, 200, 2, attention, false, false));
                TurnGenerator turns =
                        new Generator(decoder, Adapter.OFF, Optional.of(CHAT.tokenizer()), slots)
                                .turns(sampling, agents, 40, TOKENS, 2000, true)) {
            var run = new EpisodeRun(Worlds.of(host), format, config, caller, TOKENS, 2000);
            List<EpisodeTask> tasks = new ArrayList<>();
            for (int i = 0; i < agents; i++) {
                var start = new EpisodeStart(new EpisodeId(0, i), Map.of("n", (long) i), 7, 0, 0);
                tasks.add(new EpisodeTask(start, List.of(), new int[] {'x'}));
            }
            return run.complete(tasks, new Slow(turns, sampled, steps), EpisodeListener.NONE);
        }
    }

    /// Asks as one of the agents.
    private Socket ask(int agent, boolean isStream, int most) throws Exception {
        return ask(agent, isStream, most, Message.of("user", "hi"));
    }

    private Socket ask(int agent, boolean isStream, int most, Message... messages)
            throws Exception {
        Path at = folder.resolve("at" + agent);
        while (!Files.exists(at)) {
            Thread.sleep(10);
        }
        String[] where = Files.readString(at).strip().split(" ");
        List<Map<String, Object>> said =
                Stream.of(messages)
                        .map(m -> Map.<String, Object>of("role", m.role(), "content", m.content()))
                        .toList();
        Map<String, Object> body =
                Map.of("messages", said, "stream", isStream, "max_tokens", (long) most);
        return RawClient.post(where[0], where[1], Json.write(body));
    }

    /// The next piece of a streamed answer; empty at its end.
    private static Optional<String> piece(BufferedReader in) throws IOException {
        for (String event = RawClient.event(in);
                !event.equals("data: [DONE]");
                event = RawClient.event(in)) {
            Map<?, ?> chunk = (Map<?, ?>) Json.parse(event.substring("data: ".length()));
            Map<?, ?> choice = (Map<?, ?>) ((List<?>) chunk.get("choices")).getFirst();
            if (((Map<?, ?>) choice.get("delta")).get("content") instanceof String text) {
                return Optional.of(text);
            }
        }
        return Optional.empty();
    }

    /// The rest of a streamed answer.
    private static List<String> pieces(BufferedReader in) throws IOException {
        List<String> pieces = new ArrayList<>();
        for (Optional<String> next = piece(in); next.isPresent(); next = piece(in)) {
            pieces.add(next.get());
        }
        return pieces;
    }

    @Test
    void eachTokenIsSentWhenItIsThere() throws Exception {
        CompletableFuture<List<Episode>> all = run(1);
        List<String> pieces = new ArrayList<>();
        try (Socket socket = ask(0, true, 60)) {
            BufferedReader in = RawClient.reader(socket);
            pieces.add(piece(in).orElseThrow());
            assertTrue(sampled.get() < 30, sampled + " tokens before the first event");
            pieces.addAll(pieces(in));
        }
        Files.createFile(folder.resolve("done"));
        Turn turn = all.join().getFirst().turns().getFirst();
        assertEquals(60, turn.ids().length);
        assertEquals(turn.parsed().orElseThrow().message().content(), String.join("", pieces));
        assertTrue(pieces.size() > 30, pieces.size() + " pieces");
    }

    /// The only slot is free for another one within two seconds.
    @Tag("thorough")
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientThatGoesAwayStopsItsSequence(boolean isStream) throws Exception {
        CompletableFuture<List<Episode>> all = run(2);
        try (Socket _ = ask(0, isStream, TOKENS)) {
            while (sampled.get() < 5) {
                Thread.sleep(5);
            }
        }
        long start = System.nanoTime();
        try (Socket other = ask(1, true, 5)) {
            assertTrue(piece(RawClient.reader(other)).isPresent());
            double seconds = (System.nanoTime() - start) / 1e9;
            assertTrue(seconds < 2, seconds + " s until the slot was free");
        }
        try (Socket again = ask(0, true, 5)) {
            assertTrue(piece(RawClient.reader(again)).isPresent());
        }
        Files.createFile(folder.resolve("done"));
        List<Episode> episodes = all.join();
        Turn cut = episodes.getFirst().turns().getFirst();
        assertTrue(cut.ids().length < TOKENS / 2, cut.ids().length + " tokens");
        assertFalse(cut.isFinished());
        assertEquals(2, episodes.getFirst().rows().size(), "it asked anew");
        episodes.forEach(episode -> assertEquals(EndReason.ANSWERED, episode.end()));
    }

    /// Then there is nothing of its request in the episode.
    @Tag("thorough")
    @Test
    void aClientMayGoAwayBeforeTheFirstToken() throws Exception {
        CompletableFuture<List<Episode>> all = run(2);
        try (Socket first = ask(0, true, TOKENS)) {
            assertTrue(piece(RawClient.reader(first)).isPresent());
            try (Socket _ = ask(1, true, 20)) {
                Thread.sleep(100);
            }
            Thread.sleep(2000); // by then it was noticed
        }
        try (Socket again = ask(1, true, 5)) {
            assertTrue(piece(RawClient.reader(again)).isPresent());
        }
        Files.createFile(folder.resolve("done"));
        Episode episode = all.join().getLast();
        assertEquals(EndReason.ANSWERED, episode.end());
        assertEquals(1, episode.turns().size());
        assertEquals("user: hi§assistant: ", CHAT.tokenizer().decode(episode.promptIds(), false));
        assertFalse(episode.isForked());
    }

    /// What such a request had behind the turn before is read once more, not left out.
    @Tag("thorough")
    @Test
    void aClientMayGoAwayBeforeTheFirstTokenOfALaterTurn() throws Exception {
        CompletableFuture<List<Episode>> all = run(3, 2);
        List<Message> talk = new ArrayList<>(List.of(Message.of("user", "hi")));
        try (Socket first = ask(2, true, 5)) {
            talk.add(Message.of("assistant", String.join("", pieces(RawClient.reader(first)))));
        }
        talk.add(Message.of("user", "more"));
        try (Socket one = ask(0, true, TOKENS);
                Socket other = ask(1, true, TOKENS)) { // they have both slots
            assertTrue(piece(RawClient.reader(one)).isPresent());
            assertTrue(piece(RawClient.reader(other)).isPresent());
            try (Socket _ = ask(2, true, 20, talk.toArray(Message[]::new))) {
                Thread.sleep(100);
            }
            Thread.sleep(2000); // by then it was noticed
        }
        talk.add(Message.of("assistant", "too late"));
        talk.add(Message.of("user", "again"));
        try (Socket again = ask(2, true, 5, talk.toArray(Message[]::new))) {
            assertTrue(piece(RawClient.reader(again)).isPresent());
        }
        Files.createFile(folder.resolve("done"));
        Episode episode = all.join().getLast();
        assertEquals(2, episode.turns().size());
        int[] seen = episode.turns().getLast().context().orElseThrow();
        String text = CHAT.tokenizer().decode(seen, false);
        assertTrue(text.endsWith("user: more§assistant: too late§user: again§assistant: "), text);
    }
}
