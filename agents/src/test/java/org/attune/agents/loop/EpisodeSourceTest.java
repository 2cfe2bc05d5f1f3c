package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.ToolCaller;
import org.attune.episode.EpisodeStart;
import org.attune.model.config.AttentionConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.text.ChatTokenizer;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/// What the source of episodes tells while a round is under way.
final class EpisodeSourceTest {
    private static final int TURNS = 4;

    private final AtomicInteger longTurns = new AtomicInteger(); // of the first episode

    /// The first episode has several turns, the others one.
    private final class Talk implements Environment {
        private boolean isLong;

        @Override
        public Opening reset(EpisodeStart start) {
            isLong = start.id().place() == 0;
            return Opening.NOTHING;
        }

        @Override
        public Step step(ParsedTurn turn, int index) {
            if (!isLong || longTurns.incrementAndGet() == TURNS) {
                return new Step.Done(0, true);
            }
            return Step.observe("more", 0);
        }
    }

    @Test
    void eachEpisodeIsToldOfAsItEnds() {
        List<Integer> heard = new ArrayList<>();
        List<SampledCompletion> told = new ArrayList<>();
        List<Integer> turnsBefore = new ArrayList<>();
        List<SampledCompletion> all = new ArrayList<>();
        Engine.run(
                () -> {
                    try (Decoder decoder = decoder();
                            var caller = new ToolCaller()) {
                        all.addAll(
                                source(decoder, caller)
                                        .complete(
                                                prompts(),
                                                1,
                                                (place, completion) -> {
                                                    heard.add(place);
                                                    told.add(completion);
                                                    turnsBefore.add(longTurns.get());
                                                }));
                    }
                });
        assertEquals(4, heard.size(), "told once of each: " + heard);
        assertEquals(0, heard.getLast(), "the longest is told of last: " + heard);
        assertTrue(turnsBefore.getFirst() < TURNS, "told while another goes on: " + turnsBefore);
        for (int i = 0; i < 4; i++) {
            assertSame(all.get(heard.get(i)), told.get(i));
        }
        assertEquals(TURNS, told.getLast().episode().orElseThrow().turns().size());
    }

    private static Decoder decoder() {
        var attention = new AttentionConfig(4, 2, 8, false, false, false, List.of(0, 0));
        return TinyModels.decoder(
                TinyModels.sized("llama", 32, 44, 200, 2, attention, false, false));
    }

    private EpisodeSource source(Decoder decoder, ToolCaller caller) {
        ChatTokenizer chat = CharTokens.chat();
        var format =
                new EpisodeFormat(
                        chat,
                        Map.of(),
                        new TemplateCodec(chat, Map.of(), Set.of(CharTokens.END)),
                        ToyChat.parser(),
                        AnswerForm.PLAIN);
        var run =
                new EpisodeRun(
                        new Worlds(List.of(), Map.of("talk", Talk::new)),
                        format,
                        EpisodeConfig.defaults(),
                        caller,
                        400,
                        1000);
        // Every other character ends a turn, so that turns are short.
        Set<Integer> stops = Set.copyOf(IntStream.range(0, 100).map(i -> 2 * i).boxed().toList());
        var sampling = SamplingConfig.of(Distribution.plain(), 400, stops, 5);
        var generator = new Generator(decoder, Adapter.OFF, Optional.empty(), 2);
        return new EpisodeSource(run, generator, generator, sampling, sampling);
    }

    private static List<RolloutPrompt> prompts() {
        List<Message> messages = List.of(Message.of("user", "talk"));
        int[] ids = "user: talk§assistant: ".chars().toArray();
        return IntStream.range(0, 4)
                .mapToObj(_ -> new RolloutPrompt(0, ids, messages, Map.of()))
                .toList();
    }
}
