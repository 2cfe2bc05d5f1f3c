package org.attune.agents.sandbox;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// What a launcher is told: which program to become, and within which limits.
///
/// @param mark what begins the launcher's only line of output, should it fail
/// @param work the folder that may be written, and where the program starts
/// @param read files and folders that may be read; those that don't exist are passed over
/// @param command program, as an absolute path, and arguments
/// @param environment `NAME=value`
/// @param steps to take, in the order of [JailStep]
/// @param abi version of Landlock's interface
/// @param limits of each process
record JailPlan(
        String mark,
        String work,
        List<String> read,
        List<String> command,
        List<String> environment,
        Set<JailStep> steps,
        int abi,
        Limits limits) {
    /// Limits that the kernel keeps for each process.
    ///
    /// @param memory bytes of data
    /// @param addresses bytes of addresses, at least `memory`
    /// @param fileBytes of one file
    /// @param seconds of processor time
    /// @param tasks processes and threads that its user may have
    /// @param mayFork whether it may start processes
    record Limits(
            long memory,
            long addresses,
            long fileBytes,
            long seconds,
            long tasks,
            boolean mayFork) {}

    void write(DataOutputStream out) throws IOException {
        out.writeUTF(mark);
        out.writeUTF(work);
        writeAll(out, read);
        writeAll(out, command);
        writeAll(out, environment);
        writeAll(out, steps.stream().map(JailStep::name).toList());
        out.writeInt(abi);
        out.writeLong(limits.memory);
        out.writeLong(limits.addresses);
        out.writeLong(limits.fileBytes);
        out.writeLong(limits.seconds);
        out.writeLong(limits.tasks);
        out.writeBoolean(limits.mayFork);
        out.flush();
    }

    /// Reads no byte more than was written, since what follows is the program's.
    ///
    /// @param in unbuffered
    static JailPlan read(DataInputStream in) throws IOException {
        return new JailPlan(
                in.readUTF(),
                in.readUTF(),
                readAll(in),
                readAll(in),
                readAll(in),
                steps(readAll(in)),
                in.readInt(),
                new Limits(
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readBoolean()));
    }

    private static Set<JailStep> steps(List<String> names) {
        Set<JailStep> steps = EnumSet.noneOf(JailStep.class);
        for (String name : names) {
            steps.add(JailStep.valueOf(name));
        }
        return steps;
    }

    private static void writeAll(DataOutputStream out, List<String> texts) throws IOException {
        out.writeInt(texts.size());
        for (String text : texts) {
            out.writeUTF(text);
        }
    }

    private static List<String> readAll(DataInputStream in) throws IOException {
        int size = in.readInt();
        List<String> texts = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            texts.add(in.readUTF());
        }
        return texts;
    }
}
