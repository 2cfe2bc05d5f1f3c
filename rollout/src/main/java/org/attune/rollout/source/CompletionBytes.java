package org.attune.rollout.source;

import org.attune.episode.Episode;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/// A completion as bytes, to tell another process of it: every bit of its numbers is kept, and of
/// an episode how long its calls took. Likeliest tokens are left out.
public final class CompletionBytes {
    private static final int PLAIN = 0;
    private static final int EPISODE = 1;
    private static final int MASKED = 2; // each token has the ids that it was drawn from

    private CompletionBytes() {}

    /// Some completions.
    public static byte[] of(List<SampledCompletion> completions) {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            for (SampledCompletion completion : completions) {
                write(completion, out);
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was written to", e);
        }
        return bytes.toByteArray();
    }

    /// What [#of] made bytes of.
    public static List<SampledCompletion> read(byte[] bytes) {
        List<SampledCompletion> completions = new ArrayList<>();
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            while (in.available() > 0) {
                completions.add(read(in));
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was read from", e);
        }
        return completions;
    }

    /// Writes one.
    public static void write(SampledCompletion completion, DataOutputStream out)
            throws IOException {
        ints(completion.ids(), out);
        floats(completion.logProbs(), out);
        for (int t = 0; t < completion.ids().length; t++) {
            out.writeBoolean(completion.foreign().get(t));
        }
        out.writeUTF(completion.reason().name());
        boolean masked = !completion.drawable().isEmpty();
        out.writeByte(completion.episode().isPresent() ? EPISODE : masked ? MASKED : PLAIN);
        if (completion.episode().isPresent()) {
            episode(completion.episode().get(), out);
        } else if (masked) {
            for (int[] drawable : completion.drawable()) {
                ints(drawable, out);
            }
        }
    }

    private static void episode(Episode episode, DataOutputStream out) throws IOException {
        byte[] json = RecordedEpisode.json(episode).getBytes(StandardCharsets.UTF_8);
        out.writeInt(json.length);
        out.write(json);
        out.writeLong(episode.start().id().round());
        ints(episode.promptIds(), out);
        floats(episode.logProbs(), out);
        for (Turn turn : episode.turns()) {
            for (ToolOutcome outcome : turn.outcomes()) {
                out.writeLong(outcome.nanos());
            }
        }
    }

    private static void ints(int[] numbers, DataOutputStream out) throws IOException {
        out.writeInt(numbers.length);
        for (int number : numbers) {
            out.writeInt(number);
        }
    }

    private static void floats(float[] numbers, DataOutputStream out) throws IOException {
        out.writeInt(numbers.length);
        for (float number : numbers) {
            out.writeInt(Float.floatToRawIntBits(number));
        }
    }

    /// Reads what [#write] wrote.
    public static SampledCompletion read(DataInputStream in) throws IOException {
        int[] ids = ints(in);
        float[] logProbs = floats(in);
        var foreign = new BitSet();
        for (int t = 0; t < ids.length; t++) {
            foreign.set(t, in.readBoolean());
        }
        StopReason reason = StopReason.valueOf(in.readUTF());
        int kind = in.readByte();
        return kind == EPISODE
                ? SampledCompletion.of(episode(in), reason)
                : new SampledCompletion(
                        ids,
                        logProbs,
                        reason,
                        List.of(),
                        foreign,
                        Optional.empty(),
                        kind == MASKED ? drawable(ids.length, in) : List.of());
    }

    private static List<int[]> drawable(int count, DataInputStream in) throws IOException {
        List<int[]> drawable = new ArrayList<>();
        for (int t = 0; t < count; t++) {
            drawable.add(ints(in));
        }
        return drawable;
    }

    private static Episode episode(DataInputStream in) throws IOException {
        String json = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
        long round = in.readLong();
        int[] prompt = ints(in);
        Episode episode = RecordedEpisode.parse(json, round, prompt, floats(in));
        List<Turn> turns = new ArrayList<>();
        for (Turn turn : episode.turns()) {
            List<ToolOutcome> outcomes = new ArrayList<>();
            for (ToolOutcome o : turn.outcomes()) {
                outcomes.add(new ToolOutcome(o.call(), o.kind(), o.text(), in.readLong()));
            }
            turns.add(
                    new Turn(
                            turn.ids(),
                            turn.logProbs(),
                            turn.isFinished(),
                            turn.parsed(),
                            outcomes,
                            turn.answers(),
                            turn.observation(),
                            turn.reward(),
                            turn.context(),
                            turn.role(),
                            turn.conversation()));
        }
        return new Episode(
                episode.start(),
                episode.prompt(),
                prompt,
                turns,
                episode.end(),
                episode.rewards(),
                episode.state());
    }

    private static int[] ints(DataInputStream in) throws IOException {
        int[] numbers = new int[in.readInt()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = in.readInt();
        }
        return numbers;
    }

    private static float[] floats(DataInputStream in) throws IOException {
        float[] numbers = new float[in.readInt()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Float.intBitsToFloat(in.readInt());
        }
        return numbers;
    }
}
