package org.attune.trainers.step;

import org.attune.model.layer.ExpertLoad;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// What models say of a group of rows.
///
/// @param policy of each target
/// @param reference of each row, in the order of its columns, or one array of all targets; empty
///     without a reference
public record GroupNumbers(Measurement policy, List<double[]> reference) {
    public GroupNumbers {
        reference = List.copyOf(reference);
    }

    /// The numbers of a policy alone.
    public static GroupNumbers of(Measurement policy) {
        return new GroupNumbers(policy, List.of());
    }

    /// The numbers of some groups, to send to other processes. Every bit is kept.
    static byte[] bytes(List<GroupNumbers> groups) {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            for (GroupNumbers group : groups) {
                write(group, out);
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was written to", e);
        }
        return bytes.toByteArray();
    }

    private static void write(GroupNumbers group, DataOutputStream out) throws IOException {
        write(group.policy().tokenLogProbs(), out);
        Map<HeadStatistic, float[]> statistics = group.policy().statistics();
        out.writeByte(statistics.size());
        for (var statistic : statistics.entrySet()) {
            out.writeUTF(statistic.getKey().name());
            write(statistic.getValue(), out);
        }
        out.writeInt(group.reference().size());
        for (double[] row : group.reference()) {
            write(row, out);
        }
        out.writeInt(group.policy().loads().size());
        for (ExpertLoad load : group.policy().loads()) {
            write(load.chosen(), out);
            write(load.probabilities(), out);
            out.writeLong(load.rows());
        }
    }

    private static void write(double[] numbers, DataOutputStream out) throws IOException {
        out.writeInt(numbers.length);
        for (double number : numbers) {
            out.writeDouble(number);
        }
    }

    private static void write(float[] numbers, DataOutputStream out) throws IOException {
        out.writeInt(numbers.length);
        for (float number : numbers) {
            out.writeInt(Float.floatToRawIntBits(number));
        }
    }

    /// Reads what [#bytes] gave.
    static List<GroupNumbers> read(byte[] bytes) {
        List<GroupNumbers> groups = new ArrayList<>();
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            while (in.available() > 0) {
                groups.add(read(in));
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was read from", e);
        }
        return groups;
    }

    private static GroupNumbers read(DataInputStream in) throws IOException {
        float[] logProbs = floats(in);
        Map<HeadStatistic, float[]> statistics = new EnumMap<>(HeadStatistic.class);
        int count = in.readByte();
        for (int s = 0; s < count; s++) {
            HeadStatistic which = HeadStatistic.valueOf(in.readUTF());
            statistics.put(which, floats(in));
        }
        List<double[]> reference = new ArrayList<>();
        int rows = in.readInt();
        for (int r = 0; r < rows; r++) {
            reference.add(doubles(in));
        }
        List<ExpertLoad> loads = new ArrayList<>();
        int sequences = in.readInt();
        for (int s = 0; s < sequences; s++) {
            loads.add(new ExpertLoad(doubles(in), doubles(in), in.readLong()));
        }
        return new GroupNumbers(new Measurement(logProbs, statistics, loads), reference);
    }

    private static double[] doubles(DataInputStream in) throws IOException {
        double[] numbers = new double[in.readInt()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = in.readDouble();
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
