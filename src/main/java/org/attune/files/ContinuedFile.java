package org.attune.files;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.type.TypeReference;

import org.attune.error.ConfigException;
import org.attune.json.Json;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/// A file of lines that is written from its beginning to its end, by one process or by several
/// after each other. `FILE.meta.json` beside it says what its lines were made of, so that nobody
/// continues it with something else.
public final class ContinuedFile implements AutoCloseable {

    private final String key;
    private final Path file;
    private final FileChannel channel;
    private final int lines;

    private ContinuedFile(String key, Path file, FileChannel channel, int lines) {
        this.key = key;
        this.file = file;
        this.channel = channel;
        this.lines = lines;
    }

    /// Opens a file to continue after its last whole line, or a new one.
    ///
    /// @param key of the option or setting that names it, for messages
    /// @param settings what the lines are made of
    /// @param most lines that it may have
    /// @throws ConfigException if it was begun with other settings, or by someone else
    public static ContinuedFile open(
            String key, Path file, Map<String, String> settings, int most) {
        Path meta = file.resolveSibling(file.getFileName() + ".meta.json");
        try {
            Path folder = file.toAbsolutePath().getParent();
            Files.createDirectories(folder);
            if (!Files.exists(file) || Files.size(file) == 0) {
                AtomicFile.writeText(
                        meta, Json.INDENTED.writeValueAsString(new TreeMap<>(settings)));
                return new ContinuedFile(key, file, channel(file), 0);
            }
            requireSame(key, file, meta, settings);
            Whole whole = whole(file);
            if (whole.lines() > most) {
                throw new ConfigException(
                        "%s: %s has %d lines for %d prompts; name another file"
                                .formatted(key, file, whole.lines(), most));
            }
            FileChannel channel = channel(file);
            channel.truncate(whole.bytes());
            channel.position(whole.bytes());
            return new ContinuedFile(key, file, channel, whole.lines());
        } catch (IOException e) {
            throw unwritable(key, file, e);
        }
    }

    private static FileChannel channel(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private static void requireSame(String key, Path file, Path meta, Map<String, String> settings)
            throws IOException {
        if (!Files.exists(meta)) {
            throw new ConfigException(
                    "%s: %s exists, and %s, which would say what it was made of, does not; name another file"
                            .formatted(key, file, meta.getFileName()));
        }
        Map<String, String> before;
        try {
            before =
                    Json.MAPPER.readValue(
                            meta.toFile(), new TypeReference<Map<String, String>>() {});
        } catch (JacksonException e) {
            throw new ConfigException(
                    "%s: %s can't be read: %s; name another file"
                            .formatted(key, meta, e.getOriginalMessage()),
                    e);
        }
        var names = new TreeSet<>(settings.keySet());
        names.addAll(before.keySet());
        names.removeIf(name -> String.valueOf(settings.get(name)).equals(before.get(name)));
        if (!names.isEmpty()) {
            var text = new StringBuilder();
            names.forEach(
                    name ->
                            text.append(
                                    "\n  %s: %s, was %s"
                                            .formatted(
                                                    name, settings.get(name), before.get(name))));
            throw new ConfigException(
                    "%s: %s was begun with something else:%s\nGive the same, or name another file"
                            .formatted(key, file, text));
        }
    }

    private record Whole(int lines, long bytes) {}

    /// Lines that have an end, and where the last one ends.
    private static Whole whole(Path file) throws IOException {
        int lines = 0;
        long bytes = 0;
        long end = 0;
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            for (int b = in.read(); b >= 0; b = in.read()) {
                bytes++;
                if (b == '\n') {
                    lines++;
                    end = bytes;
                }
            }
        }
        return new Whole(lines, end);
    }

    /// Lines that were there already.
    public int lines() {
        return lines;
    }

    /// Appends a line.
    public void append(String line) {
        var bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw unwritable(key, file, e);
        }
    }

    private static ConfigException unwritable(String key, Path file, IOException e) {
        return new ConfigException("%s: %s can't be written: %s".formatted(key, file, e), e);
    }

    @Override
    public void close() {
        try (channel) {
            Disk.force(channel, file);
        } catch (IOException e) {
            throw unwritable(key, file, e);
        }
    }
}
