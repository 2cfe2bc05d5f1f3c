package org.attune.tensor.nccl;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/// Sockets between every two of some processes of this machine, which carry pieces of memory.
@SuppressWarnings("restricted")
final class StubLinks implements AutoCloseable {
    private static final int NUMBER = Integer.BYTES;

    private final int rank;
    private final SocketChannel[] others;

    private StubLinks(int rank, SocketChannel[] others) {
        this.rank = rank;
        this.others = others;
    }

    /// A piece of memory that goes to a rank, or comes from it.
    record Piece(int rank, long address, long bytes) {
        MemorySegment memory() {
            return MemorySegment.ofAddress(address).reinterpret(bytes);
        }
    }

    static ServerSocketChannel listen() throws IOException {
        return ServerSocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    static int port(ServerSocketChannel server) throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    /// Of rank 0, by whom the others find each other.
    static StubLinks lead(ServerSocketChannel server, int size) throws IOException {
        var others = new SocketChannel[size];
        int[] ports = new int[size];
        for (int i = 1; i < size; i++) {
            SocketChannel one = server.accept();
            int[] said = numbers(one, 2);
            others[said[0]] = one;
            ports[said[0]] = said[1];
        }
        for (int i = 1; i < size; i++) {
            say(others[i], ports);
        }
        return new StubLinks(0, others);
    }

    /// Of another rank.
    ///
    /// @param port of rank 0
    static StubLinks follow(int port, int rank, int size) throws IOException {
        var others = new SocketChannel[size];
        try (var server = listen()) {
            others[0] = connect(port);
            say(others[0], rank, port(server));
            int[] ports = numbers(others[0], size);
            for (int i = 1; i < rank; i++) {
                others[i] = connect(ports[i]);
                say(others[i], rank);
            }
            for (int i = rank + 1; i < size; i++) {
                SocketChannel one = server.accept();
                others[numbers(one, 1)[0]] = one;
            }
        }
        return new StubLinks(rank, others);
    }

    private static SocketChannel connect(int port) throws IOException {
        return SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    private static void say(SocketChannel to, int... numbers) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(numbers.length * NUMBER);
        bytes.asIntBuffer().put(numbers);
        write(to, bytes);
    }

    private static int[] numbers(SocketChannel from, int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(count * NUMBER);
        read(from, bytes);
        int[] numbers = new int[count];
        bytes.flip().asIntBuffer().get(numbers);
        return numbers;
    }

    private static void write(SocketChannel to, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            to.write(bytes);
        }
    }

    private static void read(SocketChannel from, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (from.read(bytes) < 0) {
                throw new IOException("a rank has gone");
            }
        }
    }

    /// Sends and receives, all at the same time.
    void exchange(List<Piece> out, List<Piece> in) throws IOException {
        List<Thread> senders = new ArrayList<>();
        List<IOException> failures = new ArrayList<>();
        for (Piece piece : out) {
            if (piece.rank() == rank) {
                Piece own = in.stream().filter(p -> p.rank() == rank).findFirst().orElseThrow();
                own.memory().copyFrom(piece.memory());
            } else {
                senders.add(Thread.ofPlatform().daemon().start(() -> send(piece, failures)));
            }
        }
        for (Piece piece : in) {
            if (piece.rank() != rank) {
                receive(piece);
            }
        }
        for (Thread sender : senders) {
            try {
                sender.join();
            } catch (InterruptedException e) {
                throw new InterruptedIOException(e.toString());
            }
        }
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
    }

    private void send(Piece piece, List<IOException> failures) {
        try {
            say(others[piece.rank()], Math.toIntExact(piece.bytes()));
            write(others[piece.rank()], piece.memory().asByteBuffer());
        } catch (IOException e) {
            synchronized (failures) {
                failures.add(e);
            }
        }
    }

    private void receive(Piece piece) throws IOException {
        int there = numbers(others[piece.rank()], 1)[0];
        if (there != piece.bytes()) {
            throw new IOException(
                    "rank %d sends %d bytes instead of %d"
                            .formatted(piece.rank(), there, piece.bytes()));
        }
        read(others[piece.rank()], piece.memory().asByteBuffer());
    }

    @Override
    public void close() {
        for (SocketChannel other : others) {
            if (other != null) {
                try {
                    other.close();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }
}
