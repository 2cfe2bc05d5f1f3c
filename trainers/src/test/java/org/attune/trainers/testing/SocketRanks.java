package org.attune.trainers.testing;

import org.attune.ranks.Collective;
import org.attune.ranks.RankTimes;
import org.attune.tensor.Tensor;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// Processes of this machine that talk through rank 0: what tests need of ranks where no MPI is.
public final class SocketRanks implements Collective {
    private final int rank;
    private final int size;
    private final Path meeting;
    private final boolean writes;
    private int parts;
    private final List<Peer> peers = new ArrayList<>(); // of rank 0: the others; else rank 0

    private record Peer(Socket socket, DataInputStream in, DataOutputStream out) {
        static Peer of(Socket socket) throws IOException {
            socket.setTcpNoDelay(true);
            return new Peer(
                    socket,
                    new DataInputStream(socket.getInputStream()),
                    new DataOutputStream(socket.getOutputStream()));
        }

        void send(byte[] bytes) throws IOException {
            out.writeInt(bytes.length);
            out.write(bytes);
            out.flush();
        }

        byte[] receive() throws IOException {
            return in.readNBytes(in.readInt());
        }
    }

    /// @param meeting file in which rank 0 says where it listens
    public SocketRanks(int rank, int size, Path meeting) throws IOException, InterruptedException {
        this(rank, size, meeting, rank == 0);
    }

    private SocketRanks(int rank, int size, Path meeting, boolean writes)
            throws IOException, InterruptedException {
        this.rank = rank;
        this.size = size;
        this.meeting = meeting;
        this.writes = writes;
        if (rank > 0) {
            while (!Files.exists(meeting)) {
                Thread.sleep(20);
            }
            int port = Integer.parseInt(Files.readString(meeting));
            Peer first = Peer.of(new Socket(InetAddress.getLoopbackAddress(), port));
            first.out().writeInt(rank);
            peers.add(first);
            return;
        }
        try (var server = new ServerSocket(0, size, InetAddress.getLoopbackAddress())) {
            Path written = meeting.resolveSibling(meeting.getFileName() + ".part");
            Files.writeString(written, "" + server.getLocalPort());
            Files.move(written, meeting);
            Peer[] others = new Peer[size - 1];
            for (int i = 1; i < size; i++) {
                Peer peer = Peer.of(server.accept());
                others[peer.in().readInt() - 1] = peer;
            }
            peers.addAll(Arrays.asList(others));
        }
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int local() {
        return rank;
    }

    @Override
    public String where(int one) {
        return "rank %d on here".formatted(one);
    }

    @Override
    public boolean writes() {
        return writes;
    }

    @Override
    public SocketRanks part(int number) {
        double[][] numbers = allGather("part", (double) number);
        IntPredicate mine = one -> numbers[one][0] == number;
        Path place =
                meeting.resolveSibling(meeting.getFileName() + "-%d-%d".formatted(parts++, number));
        try {
            return new SocketRanks(
                    (int) IntStream.range(0, rank).filter(mine).count(),
                    (int) IntStream.range(0, size).filter(mine).count(),
                    place,
                    writes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public byte[][] allGather(String what, byte[] mine) {
        try {
            byte[][] all = new byte[size][];
            if (rank == 0) {
                all[0] = mine;
                for (int i = 1; i < size; i++) {
                    all[i] = peers.get(i - 1).receive();
                }
                for (Peer peer : peers) {
                    for (byte[] one : all) {
                        peer.send(one);
                    }
                }
            } else {
                peers.getFirst().send(mine);
                for (int i = 0; i < size; i++) {
                    all[i] = peers.getFirst().receive();
                }
            }
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(what, e);
        }
    }

    @Override
    public double[][] allGather(String what, double... mine) {
        byte[][] all = allGather(what, bytes(mine));
        double[][] numbers = new double[size][];
        for (int i = 0; i < size; i++) {
            numbers[i] = new double[all[i].length / Double.BYTES];
            ByteBuffer.wrap(all[i]).asDoubleBuffer().get(numbers[i]);
        }
        return numbers;
    }

    private static byte[] bytes(double[] numbers) {
        var bytes = ByteBuffer.allocate(numbers.length * Double.BYTES);
        bytes.asDoubleBuffer().put(numbers);
        return bytes.array();
    }

    @Override
    public void allReduce(String what, Tensor sum) {
        write(sum(what, sum), 0, sum);
    }

    private float[] sum(String what, Tensor whole) {
        byte[][] all = allGather(what, read(whole));
        List<float[]> level = new ArrayList<>();
        for (byte[] one : all) {
            level.add(MemorySegment.ofArray(one).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
        }
        while (level.size() > 1) {
            List<float[]> next = new ArrayList<>();
            for (int i = 0; i < level.size(); i += 2) {
                float[] left = level.get(i);
                for (int k = 0; i + 1 < level.size() && k < left.length; k++) {
                    left[k] += level.get(i + 1)[k];
                }
                next.add(left);
            }
            level = next;
        }
        return level.getFirst();
    }

    private static byte[] read(Tensor tensor) {
        return tensor.memory().toArray(ValueLayout.JAVA_BYTE);
    }

    private static void write(float[] from, int start, Tensor to) {
        MemorySegment.copy(
                from, start, to.memory(), ValueLayout.JAVA_FLOAT, 0, Math.toIntExact(to.size()));
    }

    @Override
    public void reduceScatter(String what, Tensor whole, int[] counts, Tensor part) {
        int start = Arrays.stream(counts).limit(rank).sum();
        float[] sum = sum(what, whole);
        write(sum, start, part);
    }

    @Override
    public void allGather(String what, Tensor part, Tensor whole) {
        byte[][] all = allGather(what, read(part));
        long at = 0;
        for (byte[] one : all) {
            MemorySegment.copy(one, 0, whole.memory(), ValueLayout.JAVA_BYTE, at, one.length);
            at += one.length;
        }
    }

    @Override
    public void broadcast(String what, Tensor values, int from) {
        byte[] one = allGather(what, rank == from ? read(values) : new byte[0])[from];
        MemorySegment.copy(one, 0, values.memory(), ValueLayout.JAVA_BYTE, 0, one.length);
    }

    @Override
    public void barrier(String what) {
        allGather(what, new byte[0]);
    }

    @Override
    public RankTimes times() {
        return RankTimes.NONE;
    }

    @Override
    public void close() {
        peers.forEach(
                peer -> {
                    try {
                        peer.socket().close();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }
}
