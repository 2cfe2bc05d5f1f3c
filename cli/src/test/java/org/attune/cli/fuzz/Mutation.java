package org.attune.cli.fuzz;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/// Makes a broken input from a valid one.
final class Mutation {
    /// Bombs stay as they are inside.
    private static final int LARGEST_MUTATED = 1 << 20;

    private final RandomGenerator random;

    Mutation(RandomGenerator random) {
        this.random = random;
    }

    /// The sample with one of its files changed, or, now and then, as it is.
    Sample of(Sample sample) {
        List<String> names = new ArrayList<>(sample.files().keySet());
        var files = new LinkedHashMap<>(sample.files());
        if (random.nextInt(20) == 0) {
            return sample;
        }
        String name = random.nextInt(4) == 0 ? Odd.pick(names, random) : names.getFirst();
        if (names.size() > 1 && random.nextInt(20) == 0) {
            files.remove(name);
        } else {
            files.put(name, content(name, files.get(name)));
        }
        return new Sample(files);
    }

    private byte[] content(String name, byte[] content) {
        String type = name.substring(name.lastIndexOf('.') + 1);
        boolean plain = random.nextInt(4) == 0;
        return switch (type) {
            case "json" ->
                    plain ? text(content) : JsonMutation.of(content, random).orElse(text(content));
            case "jsonl" -> plain ? text(content) : line(content);
            case "safetensors" -> plain ? bytes(content) : header(content);
            case "gguf", "parquet", "arrow", "png", "jpg", "gif", "bmp", "tiff", "webp" ->
                    bytes(content);
            case "gz" -> plain ? bytes(content) : zipped(name, content);
            default -> text(content);
        };
    }

    private byte[] line(byte[] content) {
        String[] lines = new String(content, StandardCharsets.UTF_8).split("\n", -1);
        int place = random.nextInt(lines.length);
        JsonMutation.of(lines[place].getBytes(StandardCharsets.UTF_8), random)
                .ifPresent(changed -> lines[place] = new String(changed, StandardCharsets.UTF_8));
        return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    }

    private byte[] zipped(String name, byte[] content) {
        try (var in = new GZIPInputStream(new ByteArrayInputStream(content));
                var bytes = new ByteArrayOutputStream()) {
            byte[] plain = in.readNBytes(LARGEST_MUTATED);
            if (plain.length == LARGEST_MUTATED) {
                return bytes(content);
            }
            byte[] inner = content(name.substring(0, name.length() - 3), plain);
            try (var out = new GZIPOutputStream(bytes)) {
                out.write(inner);
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The table of contents changed, and its length made to fit.
    private byte[] header(byte[] content) {
        ByteBuffer file = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        int length = (int) file.getLong(0);
        byte[] json = Arrays.copyOfRange(content, 8, 8 + length);
        Optional<byte[]> changed = JsonMutation.of(json, random);
        if (changed.isEmpty()) {
            return bytes(content);
        }
        var result = new ByteArrayOutputStream();
        result.writeBytes(
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(changed.get().length)
                        .array());
        result.writeBytes(changed.get());
        result.write(content, 8 + length, content.length - 8 - length);
        return result.toByteArray();
    }

    private byte[] text(byte[] content) {
        if (random.nextInt(3) == 0) {
            return bytes(content);
        }
        String text = new String(content, StandardCharsets.UTF_8);
        for (int i = random.nextInt(3); i >= 0; i--) {
            int from = random.nextInt(text.length() + 1);
            int to = Math.min(text.length(), from + random.nextInt(1 + random.nextInt(40)));
            String inner = text.substring(from, to);
            String changed =
                    switch (random.nextInt(6)) {
                        case 0 -> "";
                        case 1 -> inner + inner;
                        case 2 -> inner.repeat(1 + random.nextInt(300));
                        case 3 -> Long.toString(Odd.integer(random));
                        case 4 -> Odd.text(random) + inner;
                        default -> Odd.text(random);
                    };
            text = text.substring(0, from) + changed + text.substring(to);
        }
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private byte[] bytes(byte[] content) {
        byte[] result = content;
        for (int i = random.nextInt(4); i >= 0 && result.length > 0; i--) {
            result = changed(result.clone());
        }
        return result;
    }

    private byte[] changed(byte[] content) {
        // Tables of contents stand at the beginning or at the end.
        int place =
                switch (random.nextInt(4)) {
                    case 0 -> random.nextInt(content.length);
                    case 1 -> Math.max(0, content.length - 1 - random.nextInt(400));
                    default -> random.nextInt(Math.min(2000, content.length));
                };
        switch (random.nextInt(8)) {
            case 0 -> content[place] ^= (byte) (1 << random.nextInt(8));
            case 1 -> content[place] = (byte) random.nextInt(256);
            case 2, 3 -> number(content, place);
            case 4 -> {
                return Arrays.copyOf(content, place);
            }
            case 5 -> {
                return spliced(content, place, new byte[0], random.nextInt(16));
            }
            case 6 -> {
                byte[] added = new byte[random.nextInt(16)];
                random.nextBytes(added);
                return spliced(content, place, added, 0);
            }
            default -> {
                int end = Math.min(content.length, place + random.nextInt(64));
                return spliced(content, place, Arrays.copyOfRange(content, place, end), 0);
            }
        }
        return content;
    }

    private void number(byte[] content, int place) {
        int width = 1 << random.nextInt(4);
        if (place + width > content.length) {
            return;
        }
        long value = Odd.integer(random);
        for (int i = 0; i < width; i++) {
            content[place + i] = (byte) (value >>> (8 * i));
        }
    }

    private static byte[] spliced(byte[] content, int place, byte[] added, int removed) {
        int rest = Math.min(content.length, place + removed);
        byte[] result = Arrays.copyOf(content, place + added.length + content.length - rest);
        System.arraycopy(added, 0, result, place, added.length);
        System.arraycopy(content, rest, result, place + added.length, content.length - rest);
        return result;
    }
}
