package org.attune.files.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;
import org.attune.files.DataChannel;
import org.attune.files.TensorFile;
import org.attune.json.Json;
import org.attune.tensor.DType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Table of contents of one safetensors file: an 8-byte little-endian length, then that many
/// bytes
/// of JSON, then the tensors without gaps.
///
/// @param metadata the strings of `__metadata__`
/// @param spans    name → where the tensor lies, in file order
record SafeTensorsHeader(Map<String, String> metadata, Map<String, Span> spans) {
    /// The reference implementation's limit.
    static final long MAX_HEADER_BYTES = 100_000_000;

    private static final String METADATA = "__metadata__";

    /// @param entry    description of the tensor
    /// @param position first byte in the file
    record Span(TensorFile.Entry entry, long position) {}

    /// Reads and checks a header: every tensor's bytes must match its shape, lie within the file
    /// and overlap no other's.
    static SafeTensorsHeader read(DataChannel channel) {
        var length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        if (channel.size() < 8) {
            throw damaged(channel, "has only %d bytes".formatted(channel.size()));
        }
        channel.read(0, length);
        long headerBytes = length.getLong(0);
        if (headerBytes < 2 || headerBytes > Math.min(MAX_HEADER_BYTES, channel.size() - 8)) {
            throw damaged(
                    channel,
                    "claims a header of %s bytes, but has %d and at most %d are accepted"
                            .formatted(
                                    Long.toUnsignedString(headerBytes),
                                    channel.size() - 8,
                                    MAX_HEADER_BYTES));
        }
        var json = new byte[(int) headerBytes];
        channel.read(8, ByteBuffer.wrap(json));
        return new Reader(channel, 8 + headerBytes).parse(json);
    }

    private static ModelException damaged(DataChannel channel, String what) {
        return new ModelException(
                "%s %s; it is no safetensors file or is damaged: download or write it again"
                        .formatted(channel.file(), what));
    }

    /// Parses the JSON token by token: headers of large models have tens of thousands of entries.
    private static final class Reader {
        private final DataChannel channel;
        private final long dataStart;
        private final Map<String, String> metadata = new LinkedHashMap<>();
        private final Map<String, Span> spans = new LinkedHashMap<>();

        Reader(DataChannel channel, long dataStart) {
            this.channel = channel;
            this.dataStart = dataStart;
        }

        SafeTensorsHeader parse(byte[] json) {
            try (JsonParser parser = Json.STRICT_WITH_NAN.createParser(json)) {
                expect(parser, parser.nextToken(), JsonToken.START_OBJECT, "header");
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String name = parser.currentName();
                    expect(parser, parser.nextToken(), JsonToken.START_OBJECT, name);
                    if (name.equals(METADATA)) {
                        readMetadata(parser);
                    } else {
                        spans.put(name, readSpan(parser, name));
                    }
                }
                if (parser.nextToken() != null) {
                    throw damaged(channel, "has something after the object in its header");
                }
            } catch (IOException e) {
                throw damaged(channel, "has a header that is no valid JSON (" + firstLine(e) + ")");
            }
            requireContiguous();
            return new SafeTensorsHeader(metadata, inFileOrder());
        }

        private void readMetadata(JsonParser parser) throws IOException {
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String key = parser.currentName();
                expect(parser, parser.nextToken(), JsonToken.VALUE_STRING, key);
                metadata.put(key, parser.getText());
            }
        }

        private Span readSpan(JsonParser parser, String name) throws IOException {
            String dtype = null;
            long[] shape = null;
            long[] offsets = null;
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String key = parser.currentName();
                JsonToken value = parser.nextToken();
                switch (key) {
                    case "dtype" -> {
                        expect(parser, value, JsonToken.VALUE_STRING, name + ".dtype");
                        dtype = parser.getText();
                    }
                    case "shape" -> shape = readLongs(parser, name + ".shape");
                    case "data_offsets" -> offsets = readLongs(parser, name + ".data_offsets");
                    default -> parser.skipChildren();
                }
            }
            if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
                throw damaged(
                        channel,
                        "describes tensor \"%s\" without dtype, shape and two data_offsets"
                                .formatted(Excerpt.of(name)));
            }
            return span(name, dtypeOf(name, dtype), shape, offsets[0], offsets[1]);
        }

        private Span span(String name, DType dtype, long[] shape, long begin, long end) {
            var entry = new TensorFile.Entry(name, dtype, shape);
            long dataBytes = channel.size() - dataStart;
            if (begin < 0 || end < begin || end > dataBytes) {
                throw damaged(
                        channel,
                        "places tensor \"%s\" at bytes %d to %d of %d"
                                .formatted(Excerpt.of(name), begin, end, dataBytes));
            }
            if (checkedBytes(name, entry) != end - begin) {
                throw damaged(
                        channel,
                        "gives tensor \"%s\" %d bytes, but %s of shape %s needs %d"
                                .formatted(
                                        Excerpt.of(name),
                                        end - begin,
                                        dtype.fileName(),
                                        Excerpt.of(Arrays.toString(shape)),
                                        entry.bytes()));
            }
            return new Span(entry, dataStart + begin);
        }

        private long checkedBytes(String name, TensorFile.Entry entry) {
            try {
                long bytes = entry.dtype().bytes();
                for (long dim : entry.shape()) {
                    if (dim < 0) {
                        throw damaged(
                                channel,
                                "has a negative size in tensor \"" + Excerpt.of(name) + "\"");
                    }
                    bytes = Math.multiplyExact(bytes, dim);
                }
                return bytes;
            } catch (ArithmeticException e) {
                throw damaged(
                        channel, "has an impossible shape in tensor \"" + Excerpt.of(name) + "\"");
            }
        }

        private DType dtypeOf(String name, String dtype) {
            try {
                return DType.ofFileName(dtype);
            } catch (IllegalArgumentException e) {
                throw new ModelException(
                        "%s: tensor \"%s\" has dtype %s, which is not supported"
                                .formatted(channel.file(), Excerpt.of(name), Excerpt.of(dtype)),
                        e);
            }
        }

        private long[] readLongs(JsonParser parser, String where) throws IOException {
            expect(parser, parser.currentToken(), JsonToken.START_ARRAY, where);
            var values = new ArrayList<Long>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                expect(parser, parser.currentToken(), JsonToken.VALUE_NUMBER_INT, where);
                if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                    throw damaged(
                            channel,
                            "has the number %s in its header at \"%s\""
                                    .formatted(Excerpt.of(parser.getText()), Excerpt.of(where)));
                }
                values.add(parser.getLongValue());
            }
            return values.stream().mapToLong(Long::longValue).toArray();
        }

        private List<Span> sorted() {
            return spans.values().stream()
                    .sorted(Comparator.comparingLong(Span::position))
                    .toList();
        }

        /// Every byte after the header belongs to one tensor, as the reference implementation
        /// demands: what overlaps, or belongs to none, is a sign of damage.
        private void requireContiguous() {
            long end = dataStart;
            for (Span span : sorted()) {
                if (span.entry().bytes() == 0) {
                    continue;
                }
                if (span.position() != end) {
                    throw damaged(
                            channel,
                            "has a tensor \"%s\" that %s"
                                    .formatted(
                                            Excerpt.of(span.entry().name()),
                                            span.position() < end
                                                    ? "overlaps another"
                                                    : "begins %d bytes after the one before it"
                                                            .formatted(span.position() - end)));
                }
                end = span.position() + span.entry().bytes();
            }
            if (end != channel.size()) {
                throw damaged(
                        channel,
                        "has %d bytes that belong to no tensor".formatted(channel.size() - end));
            }
        }

        private Map<String, Span> inFileOrder() {
            var ordered = new LinkedHashMap<String, Span>();
            sorted().forEach(s -> ordered.put(s.entry().name(), s));
            return ordered;
        }

        private void expect(JsonParser parser, JsonToken actual, JsonToken wanted, String where)
                throws IOException {
            if (actual != wanted) {
                throw damaged(
                        channel,
                        "has %s instead of %s in its header at \"%s\""
                                .formatted(
                                        Excerpt.of(parser.getText()), wanted, Excerpt.of(where)));
            }
        }

        private static String firstLine(IOException e) {
            return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        }
    }
}
