package org.attune.models;

import org.attune.error.ModelException;
import org.attune.error.StopRequest;
import org.attune.hash.Sha256;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/// Tells files apart without reading gigabytes: SHA-256 over names, sizes, and small files; of
/// large ones over the first and last 64 KiB and pieces in between: an adapter that is merged into
/// a model leaves its first and last tensors as they were, but changes whole matrices. Moving files
/// changes nothing.
public final class FileFingerprint {
    private static final long SMALL = 1 << 22;
    private static final int END = 1 << 16;

    /// Bytes of a piece.
    private static final int PIECE = 1 << 12;

    /// Bytes from a piece to the next at least, less than a matrix of any model worth training has.
    private static final long STEP = 1 << 17;

    /// Pieces of a file at most, more or less.
    private static final long PIECES = 1 << 12;

    /// Bytes that are read at a time.
    private static final int CHUNK = 1 << 20;

    private final MessageDigest digest;
    private final boolean whole;

    public FileFingerprint() {
        this(false);
    }

    private FileFingerprint(boolean whole) {
        this.whole = whole;
        digest = Sha256.begin();
    }

    /// A fingerprint that reads every byte, however long that takes.
    public static FileFingerprint ofWholeFiles() {
        return new FileFingerprint(true);
    }

    /// The fingerprint of one file.
    static String of(Path file) {
        var print = new FileFingerprint();
        print.add(file);
        return print.hex();
    }

    /// Adds a file, or the model files in a folder.
    public void add(Path fileOrFolder) {
        try {
            for (Path file : files(fileOrFolder)) {
                addFile(file);
            }
        } catch (IOException e) {
            throw new ModelException(fileOrFolder + " cannot be read: " + e, e);
        }
    }

    /// Adds the blocks that a model computes, where they aren't all of its files once.
    void add(List<Integer> blocks) {
        blocks.forEach(block -> digest.update(ByteBuffer.allocate(4).putInt(0, block)));
    }

    private static List<Path> files(Path fileOrFolder) throws IOException {
        if (!Files.isDirectory(fileOrFolder)) {
            return List.of(fileOrFolder);
        }
        try (Stream<Path> entries = Files.list(fileOrFolder)) {
            return entries.filter(
                            f ->
                                    f.toString().endsWith(".safetensors")
                                            || f.toString().endsWith("config.json"))
                    .sorted()
                    .toList();
        }
    }

    private void addFile(Path file) throws IOException {
        digest.update(file.getFileName().toString().getBytes(StandardCharsets.UTF_8));
        try (var channel = FileChannel.open(file)) {
            long size = channel.size();
            digest.update(ByteBuffer.allocate(Long.BYTES).putLong(0, size));
            if (whole) {
                for (long at = 0; at < size; at += CHUNK) {
                    StopRequest.check();
                    addRange(channel, at, Math.min(CHUNK, size - at));
                }
            } else if (size <= SMALL) {
                addRange(channel, 0, size);
            } else {
                addPieces(channel, size);
            }
        }
    }

    private void addPieces(FileChannel channel, long size) throws IOException {
        addRange(channel, 0, END);
        long step = Math.max(STEP, size / PIECES);
        for (long at = step; at < size - END; at += step) {
            addRange(channel, at, PIECE);
        }
        addRange(channel, size - END, END);
    }

    private void addRange(FileChannel channel, long start, long length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) length);
        while (bytes.hasRemaining() && channel.read(bytes, start + bytes.position()) >= 0) {}
        digest.update(bytes.flip());
    }

    public String hex() {
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }
}
