package org.attune.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.CheckpointException;
import org.attune.files.WrittenHashes;
import org.attune.hash.Sha256;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// `checkpoint.json`: a checkpoint's files with their sizes and hashes, and a hash of the list
/// itself. Format 1, of earlier builds, has sizes only.
///
/// @param step optimizer steps done
/// @param complete whether a file that isn't listed is a fault
/// @param files by their path below the folder, with `/`
record FileList(int step, boolean complete, SortedMap<String, Entry> files) {
    static final String NAME = "checkpoint.json";

    private static final int SIZES_ONLY = 1;
    private static final int FORMAT = 2;
    private static final String HASH = "sha256";
    private static final String SIZE = "size";

    /// @param hash SHA-256, in hexadecimal digits; empty if it isn't known
    record Entry(long size, Optional<String> hash) {}

    /// Lists a folder's files as they are.
    ///
    /// @param written hashes that are known already
    static FileList of(Path folder, int step, WrittenHashes written) throws IOException {
        var files = new TreeMap<String, Entry>();
        for (String name : names(folder)) {
            Path file = folder.resolve(name);
            files.put(name, new Entry(Files.size(file), Optional.of(written.of(file))));
        }
        return new FileList(step, true, files);
    }

    /// Files below a folder, without the list and without hidden ones, which file managers make.
    private static SortedSet<String> names(Path folder) throws IOException {
        var names = new TreeSet<String>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = folder.relativize(file).toString().replace('\\', '/');
                boolean hidden = name.startsWith(".") || name.contains("/.");
                if (!Files.isDirectory(file) && !hidden && !name.equals(NAME)) {
                    names.add(name);
                }
            }
        }
        return names;
    }

    String json() {
        ObjectNode json = Json.object();
        json.put("format", FORMAT).put("step", step);
        ObjectNode list = json.putObject("files");
        files.forEach(
                (name, entry) ->
                        list.putObject(name)
                                .put(SIZE, entry.size())
                                .put(HASH, entry.hash().orElseThrow()));
        json.put(HASH, hash());
        return json.toPrettyString();
    }

    private String hash() {
        return Sha256.hex(FORMAT + "\n" + step + "\n" + files);
    }

    /// @throws CheckpointException if the list is missing, or is none
    static FileList read(Path folder) {
        Path file = folder.resolve(NAME);
        JsonNode json;
        try {
            json = Checkpoint.readJson(file);
        } catch (CheckpointException e) {
            throw damaged(e.getMessage());
        }
        int step = json.path("step").asInt();
        return switch (json.path("format").asInt()) {
            case SIZES_ONLY -> new FileList(step, false, entries(json, false));
            case FORMAT -> {
                var list = new FileList(step, true, entries(json, true));
                if (!list.hash().equals(json.path(HASH).asText())) {
                    throw damaged(NAME + " is not as it was written");
                }
                yield list;
            }
            default ->
                    throw damaged(
                            "the format in %s is %s, not %d or %d"
                                    .formatted(
                                            NAME,
                                            json.path("format").isMissingNode()
                                                    ? "missing"
                                                    : json.path("format"),
                                            SIZES_ONLY,
                                            FORMAT));
        };
    }

    private static SortedMap<String, Entry> entries(JsonNode json, boolean hashes) {
        var files = new TreeMap<String, Entry>();
        for (Map.Entry<String, JsonNode> file : json.path("files").properties()) {
            JsonNode size = hashes ? file.getValue().path(SIZE) : file.getValue();
            if (!size.isIntegralNumber()) {
                throw damaged("%s has no size of %s".formatted(NAME, file.getKey()));
            }
            files.put(
                    file.getKey(),
                    new Entry(
                            size.asLong(),
                            hashes
                                    ? Optional.of(file.getValue().path(HASH).asText())
                                    : Optional.empty()));
        }
        if (!files.containsKey(Checkpoint.STATE)) {
            throw damaged("%s does not list %s".formatted(NAME, Checkpoint.STATE));
        }
        return files;
    }

    private static CheckpointException damaged(String how) {
        return new CheckpointException(how);
    }

    /// What is wrong with the folder's files; empty if nothing.
    ///
    /// @param contents whether they are read and hashed; else only sizes are compared
    Optional<String> damage(Path folder, boolean contents) {
        for (Map.Entry<String, Entry> file : files.entrySet()) {
            Optional<String> damage = damage(folder, file.getKey(), file.getValue(), contents);
            if (damage.isPresent()) {
                return damage;
            }
        }
        return complete ? surplus(folder) : Optional.empty();
    }

    private static Optional<String> damage(
            Path folder, String name, Entry entry, boolean contents) {
        try {
            Path file = folder.resolve(name);
            if (!Files.exists(file)) {
                return Optional.of(name + " is missing");
            }
            if (!Files.isRegularFile(file)) {
                return Optional.of(name + " is no file");
            }
            if (Files.size(file) != entry.size()) {
                return Optional.of(
                        "%s has %d bytes, not %d".formatted(name, Files.size(file), entry.size()));
            }
            boolean changed =
                    contents
                            && entry.hash().isPresent()
                            && !entry.hash().get().equals(Sha256.hex(file));
            return changed
                    ? Optional.of(name + " is not as it was written: its SHA-256 differs")
                    : Optional.empty();
        } catch (IOException | InvalidPathException e) {
            return Optional.of("%s can't be read: %s".formatted(name, e));
        }
    }

    private Optional<String> surplus(Path folder) {
        try {
            SortedSet<String> others = names(folder);
            others.removeAll(files.keySet());
            return others.isEmpty()
                    ? Optional.empty()
                    : Optional.of(others.first() + " does not belong to it");
        } catch (IOException e) {
            return Optional.of("it can't be listed: " + e);
        }
    }
}
