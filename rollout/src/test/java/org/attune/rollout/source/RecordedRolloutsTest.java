package org.attune.rollout.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.RolloutException;
import org.attune.images.SeenPicture;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RoundPart;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

class RecordedRolloutsTest {
    private static final Set<Integer> STOPS = Set.of(2);

    @TempDir private Path folder;

    private static RecordedCompletion completion(long round, int place) {
        return new RecordedCompletion(
                round,
                new int[] {5, place},
                new SampledCompletion(
                        new int[] {7, 2},
                        new float[] {-0.1f / 3, Float.NaN},
                        StopReason.STOP_TOKEN,
                        List.of(),
                        BitSet.valueOf(new long[] {1})),
                Map.of("a", 0.1 + 0.2),
                Map.of("a", 0.25),
                OptionalInt.of(place),
                place == 0);
    }

    private static List<RecordedCompletion> round(long number) {
        return List.of(completion(number, 1), completion(number, 0));
    }

    private static final List<RolloutPrompt> PROMPTS =
            List.of(RolloutPrompt.of(0, new int[] {5, 1}), RolloutPrompt.of(1, new int[] {5, 0}));

    private RecordedRollouts read(Path file) {
        return new RecordedRollouts(file, 4, STOPS);
    }

    private Path file(String... lines) throws IOException {
        return Files.write(folder.resolve("r.jsonl"), List.of(lines));
    }

    private String fault(String... lines) throws IOException {
        Path file = file(lines);
        String message =
                assertThrows(
                                RolloutException.class,
                                () -> {
                                    RecordedRollouts recorded = read(file);
                                    recorded.complete(PROMPTS, 0);
                                    recorded.order(0);
                                })
                        .getMessage();
        assertTrue(message.startsWith(file.toString()), message);
        return message.substring(file.toString().length());
    }

    @Test
    void whatIsRecordedIsReadBackNumberByNumber() {
        Path file = folder.resolve("new/record.jsonl");
        var recorder = new RolloutRecorder(file, false);
        recorder.append(round(0));
        recorder.append(round(1));
        RecordedRollouts recorded = read(file);
        List<Integer> heard = new ArrayList<>();
        List<SampledCompletion> completions =
                recorded.complete(PROMPTS, 1, (index, _) -> heard.add(index));
        assertEquals(List.of(0, 1), heard);
        assertArrayEquals(new int[] {7, 2}, completions.getFirst().ids());
        assertEquals(-0.1f / 3, completions.getFirst().logProbs()[0]);
        assertTrue(Float.isNaN(completions.getFirst().logProbs()[1]));
        assertEquals(StopReason.STOP_TOKEN, completions.getFirst().reason());
        assertEquals(BitSet.valueOf(new long[] {1}), completions.getFirst().foreign());
        assertEquals(1, completions.getFirst().ownTokens());
        assertEquals(0.1 + 0.2, recorded.rewards().getFirst().get("a"));
        assertEquals(Map.of("a", 0.25), recorded.rewardWeights());
        assertArrayEquals(new int[] {1, 0}, recorded.order(1).orElseThrow());
    }

    /// Rows of pictures have ids below 0. Who knows none of them writes the image token.
    @Test
    void promptsMayHavePictures() throws IOException {
        var picture = new SeenPicture("a", 2, () -> null);
        int[] prompt = SeenPicture.among(new int[] {5, 9, 9}, 9, List.of(picture));
        int[] other =
                SeenPicture.among(
                        new int[] {5, 9, 9}, 9, List.of(new SeenPicture("b", 2, () -> null)));
        String line = "{'generation':0,'prompt_ids':%s,'completion_ids':[7,2]}".replace('\'', '"');
        for (String ids : List.of(Arrays.toString(prompt), "[5, 9, 9]")) {
            RecordedRollouts recorded = read(file(line.formatted(ids)));
            assertEquals(1, recorded.complete(List.of(RolloutPrompt.of(0, prompt)), 0).size());
        }
        RecordedRollouts recorded = read(file(line.formatted(Arrays.toString(prompt))));
        List<RolloutPrompt> asked = List.of(RolloutPrompt.of(0, other));
        assertThrows(RolloutException.class, () -> recorded.complete(asked, 0));
    }

    @Test
    void devicesReadTheirPartsOfARound() {
        Path file = folder.resolve("parts.jsonl");
        new RolloutRecorder(file, false).append(round(0));
        RecordedRollouts recorded = read(file);
        for (int place = 0; place < 2; place++) {
            List<RolloutPrompt> own = PROMPTS.subList(place, place + 1);
            var part = new RoundPart(0, 1 - place, 2, 2, new int[] {place});
            assertEquals(1, recorded.completePart(own, part, FinishedListener.NONE).size());
            assertEquals(List.of(Map.of("a", 0.1 + 0.2)), recorded.rewards());
        }
        var others = new RoundPart(0, 0, 2, 3, new int[] {0});
        assertThrows(
                RolloutException.class,
                () -> recorded.completePart(PROMPTS.subList(0, 1), others, FinishedListener.NONE));
    }

    @Test
    void resumingCutsOffWhatIsGeneratedAgain() throws IOException {
        Path file = folder.resolve("record.jsonl");
        var first = new RolloutRecorder(file, false);
        first.append(round(0));
        first.append(round(1));
        first.append(round(2));
        String whole = Files.readString(file);
        // As a process leaves it that was killed while it wrote.
        Files.writeString(file, whole.substring(0, whole.length() - 20));
        var second = new RolloutRecorder(file, true);
        second.continueAt(1);
        second.append(round(1));
        second.append(round(2));
        assertEquals(whole, Files.readString(file));
        String message =
                assertThrows(
                                RolloutException.class,
                                () -> new RolloutRecorder(file, true).continueAt(5))
                        .getMessage();
        assertTrue(message.contains("ends with round 2"), message);
        assertEquals(whole, Files.readString(file), "nothing is cut where rounds are missing");
    }

    @Test
    void anEarlierRecordIsMovedAside() throws IOException {
        Path file = folder.resolve("record.jsonl");
        new RolloutRecorder(file, false).append(round(0));
        String earlier = Files.readString(file);
        new RolloutRecorder(file, false).append(round(0));
        assertEquals(earlier, Files.readString(folder.resolve("record.jsonl.earlier-1")));
        new RolloutRecorder(file, true).append(round(0));
        assertFalse(Files.exists(folder.resolve("record.jsonl.earlier-2")));
        assertEquals(2, Files.readAllLines(file).size());
    }

    @Test
    void foreignLinesAreReadInTheirOrder() throws IOException {
        RecordedRollouts recorded =
                read(
                        file(
                                """
                                {"generation": 0, "row": 0, "prompt_ids": [5, 1], "completion_ids": [7, 2], "rewards": {"x": null}}\
                                """,
                                "",
                                """
                                {"generation": 0, "prompt_ids": [5, 0], "completion_ids": [7, 7]}\
                                """));
        List<SampledCompletion> completions = recorded.complete(PROMPTS, 0);
        assertEquals(StopReason.STOP_TOKEN, completions.get(0).reason());
        assertEquals(StopReason.MAX_TOKENS, completions.get(1).reason());
        assertArrayEquals(new int[] {0, 1}, recorded.order(0).orElseThrow());
        assertTrue(recorded.rewardWeights().get("x").isNaN());
    }

    @Test
    void faultsNameFileAndLine() throws IOException {
        String good = completion(0, 1).line();
        String other = completion(0, 0).line();
        assertTrue(fault(good, "{").startsWith(":2: not a JSON object"));
        assertTrue(fault(good, "{}").startsWith(":2: a line needs generation"));
        assertTrue(
                fault("{\"generation\": 0, \"prompt_ids\": [1]}")
                        .startsWith(":1: a line needs prompt_ids and completion_ids"));
        assertTrue(
                fault(good.replace("[7,2]", "[7,\"x\"]"))
                        .startsWith(":1: completion_ids[1] is \"x\""));
        assertTrue(
                fault(good.replace("stop\"", "bored\""))
                        .startsWith(":1: finish_reason is \"bored\""));
        assertTrue(
                fault(good.replace("[0,1]", "[1]"))
                        .startsWith(":1: loss_mask needs one number for each of the 2"));
        assertTrue(
                fault(good.replace("[0,1]", "[0,0.5]"))
                        .startsWith(":1: loss_mask[1] is 0.5; accepted: 0, 1"));
        assertTrue(fault(good).startsWith(":1 has 1 completions of round 0; the run asks for 2"));
        assertTrue(fault(completion(3, 0).line()).startsWith(" has 0 completions of round 0"));
        assertTrue(fault(good, good).startsWith(":2: prompt_ids are not those of the prompt"));
        assertTrue(
                fault(good, other.replace("[7,2]", "[7,7,7,7,7]").replace("[0,1]", "null"))
                        .startsWith(":2: the completion has 5 tokens; accepted: at most"));
        assertTrue(
                fault(good, other.replace("\"place\":0", "\"place\":1"))
                        .startsWith(":2: place is 1; accepted: each number from 0 to 1 once"));
        assertTrue(
                fault(good, other.replace("0.25", "0.5"))
                        .startsWith(":2: reward_weights: a has weight 0.5, in lines before 0.25"));
        assertTrue(fault("").startsWith(" holds no completions"));
    }
}
