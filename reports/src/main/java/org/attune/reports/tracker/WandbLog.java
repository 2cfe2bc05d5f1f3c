package org.attune.reports.tracker;

import org.attune.reports.tensorboard.ProtoMessage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32;

/// A `.wandb` file: seven bytes (`:W&B`, 0xBEE1, version 0), then LevelDB's log format in blocks of
/// 32 KiB, where the seven bytes are part of the first block. Each piece of a record has a CRC-32
/// of its type and data, its length, and its type: whole, first, middle or last.
final class WandbLog implements Closeable {
    private static final int BLOCK = 32_768;
    private static final int HEADER = 7;
    private static final int WHOLE = 1;
    private static final int FIRST = 2;
    private static final int MIDDLE = 3;
    private static final int LAST = 4;

    private final FileChannel channel;
    private int offset;
    private long records;

    private WandbLog(FileChannel channel) {
        this.channel = channel;
    }

    /// Makes a file, which must not exist.
    static WandbLog create(Path file) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        var log = new WandbLog(channel);
        ByteBuffer start = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        start.put(":W&B".getBytes(StandardCharsets.US_ASCII));
        start.putShort((short) 0xBEE1).put((byte) 0);
        log.write(start.flip());
        return log;
    }

    /// Appends a `Record` with its number.
    ///
    /// @param field of `Record` that `content` is
    void append(int field, ProtoMessage content) throws IOException {
        long start = channel.position();
        int before = offset;
        try {
            var record = new ProtoMessage().varint(1, records + 1).message(field, content);
            append(record.toByteArray());
            records++;
        } catch (IOException e) {
            channel.truncate(start); // half a record would hide all that follow
            offset = before;
            throw e;
        }
    }

    private void append(byte[] data) throws IOException {
        int from = 0;
        boolean first = true;
        do {
            int room = BLOCK - offset;
            if (room < HEADER) {
                write(ByteBuffer.allocate(room));
                room = BLOCK;
            }
            int length = Math.min(data.length - from, room - HEADER);
            boolean last = from + length == data.length;
            int type = first ? last ? WHOLE : FIRST : last ? LAST : MIDDLE;
            write(piece(type, data, from, length));
            from += length;
            first = false;
        } while (from < data.length);
    }

    private static ByteBuffer piece(int type, byte[] data, int from, int length) {
        var crc = new CRC32();
        crc.update(type);
        crc.update(data, from, length);
        return ByteBuffer.allocate(HEADER + length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt((int) crc.getValue())
                .putShort((short) length)
                .put((byte) type)
                .put(data, from, length)
                .flip();
    }

    private void write(ByteBuffer bytes) throws IOException {
        offset = (offset + bytes.remaining()) % BLOCK;
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        channel.force(true);
        channel.close();
    }
}
