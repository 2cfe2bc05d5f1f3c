package org.attune.trainers.onpolicy;

import org.attune.json.Json;
import org.attune.reward.RewardFailure;
import org.attune.reward.RewardTable;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.source.CompletionBytes;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What one process tells the others of the completions that it has written and judged.
///
/// @param sampled completions
/// @param table their rewards
record JudgedPart(List<SampledCompletion> sampled, RewardTable table) {
    /// Every bit of every number is kept.
    static byte[] bytes(List<JudgedCompletions> parts) {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            for (JudgedCompletions part : parts) {
                out.writeInt(part.sampled().size());
                for (SampledCompletion completion : part.sampled()) {
                    CompletionBytes.write(completion, out);
                }
                write(part.table().rewards(), out);
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was written to", e);
        }
        return bytes.toByteArray();
    }

    private static void write(RewardTable table, DataOutputStream out) throws IOException {
        out.writeInt(table.names().size());
        for (int f = 0; f < table.names().size(); f++) {
            text(table.names().get(f), out);
            out.writeDouble(table.weights()[f]);
        }
        for (double[] row : table.values()) {
            for (double value : row) {
                out.writeDouble(value);
            }
        }
        out.writeInt(table.failures().size());
        for (RewardFailure failure : table.failures()) {
            text(failure.function(), out);
            out.writeUTF(failure.kind().name());
            out.writeInt(failure.count());
            out.writeInt(failure.firstCompletion());
            text(failure.example(), out);
        }
        out.writeInt(table.metrics().size());
        for (var metric : table.metrics().entrySet()) {
            text(metric.getKey(), out);
            out.writeDouble(metric.getValue());
        }
        out.writeInt(table.extras().size());
        for (var extra : table.extras().entrySet()) {
            text(extra.getKey(), out);
            for (Object cell : extra.getValue()) {
                text(Json.write(plain(cell)), out);
            }
        }
        out.writeInt(table.turns().size());
        for (var turns : table.turns().entrySet()) {
            text(turns.getKey(), out);
            for (Optional<double[]> split : turns.getValue()) {
                double[] values = split.orElse(new double[0]);
                out.writeInt(split.isPresent() ? values.length : -1);
                for (double value : values) {
                    out.writeDouble(value);
                }
            }
        }
    }

    /// Values that have no form in JSON are shown as text.
    private static Object plain(Object cell) {
        return switch (cell) {
            case null -> null;
            case Boolean b -> b;
            case Double d when !Double.isFinite(d) -> d.toString();
            case Number n -> n;
            case List<?> list -> list.stream().map(JudgedPart::plain).toList();
            default -> cell.toString();
        };
    }

    private static void text(String text, DataOutputStream out) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /// Reads what [#bytes] gave.
    static List<JudgedPart> read(byte[] bytes) {
        List<JudgedPart> parts = new ArrayList<>();
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            while (in.available() > 0) {
                int count = in.readInt();
                List<SampledCompletion> sampled = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    sampled.add(CompletionBytes.read(in));
                }
                parts.add(new JudgedPart(sampled, table(in, count)));
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was read from", e);
        }
        return parts;
    }

    private static RewardTable table(DataInputStream in, int completions) throws IOException {
        List<String> names = new ArrayList<>();
        double[] weights = new double[in.readInt()];
        for (int f = 0; f < weights.length; f++) {
            names.add(text(in));
            weights[f] = in.readDouble();
        }
        double[][] values = new double[completions][weights.length];
        for (double[] row : values) {
            for (int f = 0; f < row.length; f++) {
                row[f] = in.readDouble();
            }
        }
        List<RewardFailure> failures = new ArrayList<>();
        int failed = in.readInt();
        for (int i = 0; i < failed; i++) {
            failures.add(
                    new RewardFailure(
                            text(in),
                            RewardFailure.Kind.valueOf(in.readUTF()),
                            in.readInt(),
                            in.readInt(),
                            text(in)));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        int logged = in.readInt();
        for (int i = 0; i < logged; i++) {
            metrics.put(text(in), in.readDouble());
        }
        return new RewardTable(
                names,
                weights,
                values,
                failures,
                metrics,
                extras(in, completions),
                turns(in, completions));
    }

    private static Map<String, List<Object>> extras(DataInputStream in, int completions)
            throws IOException {
        Map<String, List<Object>> extras = new LinkedHashMap<>();
        int count = in.readInt();
        for (int e = 0; e < count; e++) {
            String name = text(in);
            List<Object> cells = new ArrayList<>();
            for (int i = 0; i < completions; i++) {
                cells.add(Json.parse(text(in)));
            }
            extras.put(name, cells);
        }
        return extras;
    }

    private static Map<String, List<Optional<double[]>>> turns(DataInputStream in, int completions)
            throws IOException {
        Map<String, List<Optional<double[]>>> turns = new LinkedHashMap<>();
        int count = in.readInt();
        for (int e = 0; e < count; e++) {
            String name = text(in);
            List<Optional<double[]>> splits = new ArrayList<>();
            for (int i = 0; i < completions; i++) {
                int length = in.readInt();
                double[] values = new double[Math.max(0, length)];
                for (int v = 0; v < values.length; v++) {
                    values[v] = in.readDouble();
                }
                splits.add(length < 0 ? Optional.empty() : Optional.of(values));
            }
            turns.put(name, splits);
        }
        return turns;
    }

    private static String text(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }
}
