package org.attune.trainers.onpolicy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A round that other weights than those that learn from it may have written, as processes tell it
/// each other and as a checkpoint keeps it. A named tuple: equality is identity of the arrays.
///
/// @param number of the round, from 0
/// @param prompts numbers of its prompts in the data
/// @param judged completions and rewards of its devices' parts ([JudgedPart])
/// @param old log-probabilities of each completion's tokens under the weights that wrote it, in the
///     order in which they were asked for, `(N, T)`; empty where the loss has no ratio
/// @param metrics of how it was written
/// @param left what is under way after it, for the writer of the next round; may be empty
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record WrittenRound(
        long number,
        int[] prompts,
        byte[] judged,
        Optional<float[][]> old,
        Map<String, Double> metrics,
        byte[] left) {
    /// Leaves out what is under way, which a checkpoint holds once for all rounds.
    WrittenRound withoutLeft() {
        return new WrittenRound(number, prompts, judged, old, metrics, new byte[0]);
    }

    /// Rounds as [#readAll] reads them.
    static byte[] bytes(Iterable<WrittenRound> rounds) {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            for (WrittenRound round : rounds) {
                byte[] one = round.bytes();
                out.writeInt(one.length);
                out.write(one);
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was written to", e);
        }
        return bytes.toByteArray();
    }

    /// Reads what [#bytes] gave.
    ///
    /// @throws IOException if it is something else
    static List<WrittenRound> readAll(byte[] bytes) throws IOException {
        List<WrittenRound> rounds = new ArrayList<>();
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            while (in.available() > 0) {
                byte[] one = new byte[in.readInt()];
                in.readFully(one);
                rounds.add(read(one));
            }
        }
        return rounds;
    }

    /// Every bit of every number is kept.
    private byte[] bytes() {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeLong(number);
            out.writeInt(prompts.length);
            for (int prompt : prompts) {
                out.writeInt(prompt);
            }
            out.writeInt(judged.length);
            out.write(judged);
            float[][] rows = old.orElse(new float[0][]);
            out.writeInt(old.isPresent() ? rows.length : -1);
            for (float[] row : rows) {
                out.writeInt(row.length);
                for (float value : row) {
                    out.writeFloat(value);
                }
            }
            out.writeInt(metrics.size());
            for (var metric : metrics.entrySet()) {
                out.writeUTF(metric.getKey());
                out.writeDouble(metric.getValue());
            }
            out.writeInt(left.length);
            out.write(left);
        } catch (IOException e) {
            throw new IllegalStateException("memory was written to", e);
        }
        return bytes.toByteArray();
    }

    private static WrittenRound read(byte[] bytes) throws IOException {
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            long number = in.readLong();
            int[] prompts = new int[in.readInt()];
            for (int i = 0; i < prompts.length; i++) {
                prompts[i] = in.readInt();
            }
            byte[] judged = new byte[in.readInt()];
            in.readFully(judged);
            int count = in.readInt();
            float[][] old = new float[Math.max(0, count)][];
            for (int i = 0; i < old.length; i++) {
                old[i] = new float[in.readInt()];
                for (int t = 0; t < old[i].length; t++) {
                    old[i][t] = in.readFloat();
                }
            }
            Map<String, Double> metrics = new LinkedHashMap<>();
            for (int left = in.readInt(); left > 0; left--) {
                metrics.put(in.readUTF(), in.readDouble());
            }
            byte[] left = new byte[in.readInt()];
            in.readFully(left);
            return new WrittenRound(
                    number,
                    prompts,
                    judged,
                    count < 0 ? Optional.empty() : Optional.of(old),
                    metrics,
                    left);
        }
    }
}
