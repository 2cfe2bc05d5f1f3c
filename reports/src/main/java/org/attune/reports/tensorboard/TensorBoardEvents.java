package org.attune.reports.tensorboard;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;

/// TensorBoard's `Event` messages in Protocol Buffers' wire format, and the frame of a TFRecord
/// around them. Fields used: `Event{wall_time 1, step 2, file_version 3, summary 5, session_log
/// 7}`, `Summary{value 1}`, `Value{tag 1, simple_value 2, histo 5, tensor 8, metadata 9}`,
/// `HistogramProto{min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6, bucket 7}`,
/// `TensorProto{dtype 1, tensor_shape 2, string_val 8}`, `SummaryMetadata{plugin_data 1}`,
/// `PluginData{plugin_name 1}`, `SessionLog{status 1}`.
final class TensorBoardEvents {
    private static final int SESSION_START = 1;
    private static final int STRING = 7;

    private TensorBoardEvents() {}

    /// The first event of a file.
    static byte[] version(double seconds) {
        var event = event(seconds, 0);
        event.bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
        return event.toByteArray();
    }

    /// Tells the reader to drop what earlier files have at `step` and beyond.
    static byte[] sessionStart(double seconds, long step) {
        var log = new ProtoMessage();
        log.varint(1, SESSION_START);
        var event = event(seconds, step);
        event.bytes(7, log.toByteArray());
        return event.toByteArray();
    }

    /// One event with all numbers of a step; other values are left out.
    static byte[] scalars(
            double seconds, long step, Map<String, Object> metrics, UnaryOperator<String> tag) {
        var summary = new ProtoMessage();
        metrics.forEach(
                (key, value) -> {
                    if (value instanceof Number number) {
                        var scalar = new ProtoMessage();
                        scalar.bytes(1, tag.apply(key).getBytes(StandardCharsets.UTF_8));
                        scalar.fixed32(2, Float.floatToRawIntBits(number.floatValue()));
                        summary.bytes(1, scalar.toByteArray());
                    }
                });
        var event = event(seconds, step);
        event.bytes(5, summary.toByteArray());
        return event.toByteArray();
    }

    /// A text, shown as Markdown.
    static byte[] text(double seconds, long step, String tag, String markdown) {
        var plugin = new ProtoMessage();
        plugin.bytes(1, "text".getBytes(StandardCharsets.UTF_8));
        var metadata = new ProtoMessage();
        metadata.bytes(1, plugin.toByteArray());
        var size = new ProtoMessage();
        size.varint(1, 1);
        var shape = new ProtoMessage();
        shape.bytes(2, size.toByteArray());
        var tensor = new ProtoMessage();
        tensor.varint(1, STRING);
        tensor.bytes(2, shape.toByteArray());
        tensor.bytes(8, markdown.getBytes(StandardCharsets.UTF_8));
        var value = new ProtoMessage();
        value.bytes(1, tag.getBytes(StandardCharsets.UTF_8));
        value.bytes(8, tensor.toByteArray());
        value.bytes(9, metadata.toByteArray());
        return valued(seconds, step, value);
    }

    /// How numbers are spread.
    static byte[] histogram(double seconds, long step, String tag, Histogram histogram) {
        var numbers = new ProtoMessage();
        numbers.fixed64(1, Double.doubleToRawLongBits(histogram.min()));
        numbers.fixed64(2, Double.doubleToRawLongBits(histogram.max()));
        numbers.fixed64(3, Double.doubleToRawLongBits(histogram.count()));
        numbers.fixed64(4, Double.doubleToRawLongBits(histogram.sum()));
        numbers.fixed64(5, Double.doubleToRawLongBits(histogram.sumOfSquares()));
        numbers.doubles(6, histogram.limits());
        numbers.doubles(7, histogram.counts());
        var value = new ProtoMessage();
        value.bytes(1, tag.getBytes(StandardCharsets.UTF_8));
        value.bytes(5, numbers.toByteArray());
        return valued(seconds, step, value);
    }

    private static byte[] valued(double seconds, long step, ProtoMessage value) {
        var summary = new ProtoMessage();
        summary.bytes(1, value.toByteArray());
        var event = event(seconds, step);
        event.bytes(5, summary.toByteArray());
        return event.toByteArray();
    }

    private static ProtoMessage event(double seconds, long step) {
        var event = new ProtoMessage();
        event.fixed64(1, Double.doubleToRawLongBits(seconds));
        event.varint(2, step);
        return event;
    }

    /// TFRecord: length (8 bytes), its masked CRC, the data, its masked CRC; little-endian.
    static ByteBuffer framed(byte[] data) {
        ByteBuffer record =
                ByteBuffer.allocate(8 + 4 + data.length + 4).order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(data.length);
        record.putInt(maskedCrc(record.array(), 8));
        record.put(data);
        record.putInt(maskedCrc(data, data.length));
        return record.flip();
    }

    /// CRC-32C, rotated and shifted so that a CRC stored among the data does no harm.
    static int maskedCrc(byte[] data, int length) {
        var crc = new CRC32C();
        crc.update(data, 0, length);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    }
}
