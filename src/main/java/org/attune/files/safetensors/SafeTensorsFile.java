package org.attune.files.safetensors;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;
import org.attune.files.DataChannel;
import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// Tensors of one safetensors file, or of several that a `….safetensors.index.json` binds
/// together.
/// All headers are read and checked on opening; `read` may be called from several threads.
public final class SafeTensorsFile implements TensorFile {
    private static final String SINGLE = "model.safetensors";
    private static final String SUFFIX = ".safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final String where;
    private final List<DataChannel> channels;
    private final Map<String, Located> located;
    private final Map<String, Entry> entries;
    private final Map<String, String> metadata;

    private record Located(DataChannel channel, SafeTensorsHeader.Span span) {}

    private SafeTensorsFile(
            String where,
            List<DataChannel> channels,
            Map<String, Located> located,
            Map<String, String> metadata) {
        this.where = where;
        this.channels = channels;
        this.located = located;
        this.metadata = Collections.unmodifiableMap(metadata);
        var described = new LinkedHashMap<String, Entry>();
        located.forEach((name, l) -> described.put(name, l.span.entry()));
        this.entries = Collections.unmodifiableMap(described);
    }

    /// Opens a safetensors file, an index file, or a model folder that holds
    /// `model.safetensors` or `model.safetensors.index.json`.
    ///
    /// @throws ModelException if there is none, or one is damaged
    public static SafeTensorsFile open(Path path) {
        if (Files.isDirectory(path)) {
            if (Files.exists(path.resolve(SINGLE))) {
                return openSingle(path.resolve(SINGLE));
            }
            if (Files.exists(path.resolve(INDEX))) {
                return openIndex(path.resolve(INDEX));
            }
            throw new ModelException(
                    ("%s holds neither %s nor %s; weights in other formats (pytorch_model.bin …) "
                                    + "must be converted to safetensors first")
                            .formatted(path, SINGLE, INDEX));
        }
        return path.getFileName().toString().endsWith(".json") ? openIndex(path) : openSingle(path);
    }

    private static SafeTensorsFile openSingle(Path file) {
        var channels = new ArrayList<DataChannel>();
        var located = new LinkedHashMap<String, Located>();
        try {
            SafeTensorsHeader header = openShard(file, channels, located);
            return new SafeTensorsFile(file.toString(), channels, located, header.metadata());
        } catch (RuntimeException e) {
            channels.forEach(DataChannel::close);
            throw e;
        }
    }

    private static SafeTensorsFile openIndex(Path index) {
        JsonFields weightMap =
                JsonFields.read(index)
                        .object("weight_map")
                        .orElseThrow(
                                () -> new ModelException(index + ": \"weight_map\" is missing"));
        var channels = new ArrayList<DataChannel>();
        var located = new LinkedHashMap<String, Located>();
        try {
            var shards = new TreeSet<String>();
            weightMap.keys().forEach(name -> shards.add(shardName(weightMap, name)));
            shards.forEach(s -> openShard(index.resolveSibling(s), channels, located));
            for (String name : weightMap.keys()) {
                Located tensor = located.get(name);
                String shard = weightMap.text(name);
                if (tensor == null || !tensor.channel.file().endsWith(shard)) {
                    throw new ModelException(
                            "%s places tensor \"%s\" in %s, which doesn't hold it"
                                    .formatted(index, Excerpt.of(name), shard));
                }
            }
            return new SafeTensorsFile(index.toString(), channels, located, Map.of());
        } catch (RuntimeException e) {
            channels.forEach(DataChannel::close);
            throw e;
        }
    }

    /// An index must not reach outside its folder.
    private static String shardName(JsonFields weightMap, String tensor) {
        String name = weightMap.text(tensor);
        if (!name.endsWith(SUFFIX) || !isFileName(name)) {
            throw weightMap.invalid(
                    tensor, "names of " + SUFFIX + " files in the folder of the index");
        }
        return name;
    }

    private static boolean isFileName(String name) {
        try {
            return !name.contains("/")
                    && !name.contains("\\")
                    && Path.of(name).equals(Path.of(name).getFileName());
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static SafeTensorsHeader openShard(
            Path file, List<DataChannel> channels, Map<String, Located> located) {
        DataChannel channel = DataChannel.open(file);
        channels.add(channel);
        SafeTensorsHeader header = SafeTensorsHeader.read(channel);
        header.spans()
                .forEach(
                        (name, span) -> {
                            Located other = located.put(name, new Located(channel, span));
                            if (other != null) {
                                throw new ModelException(
                                        "tensor \"%s\" is both in %s and in %s"
                                                .formatted(
                                                        Excerpt.of(name),
                                                        other.channel.file(),
                                                        file));
                            }
                        });
        return header;
    }

    @Override
    public Map<String, Entry> entries() {
        return entries;
    }

    /// The strings of the header's `__metadata__`; empty for several files.
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        TensorFile.Entry entry = located(name).span.entry();
        MemorySegment target = arena.allocate(entry.bytes(), 64);
        read(name, entry.dtype(), target);
        return target;
    }

    @Override
    public void read(String name, DType as, MemorySegment target) {
        Located tensor = located(name);
        tensor.channel.read(tensor.span.position(), target);
    }

    private Located located(String name) {
        Located tensor = located.get(name);
        if (tensor == null) {
            throw new ModelException(
                    "%s holds no tensor \"%s\"; it has %d, e.g. %s"
                            .formatted(
                                    where,
                                    name,
                                    located.size(),
                                    located.keySet().stream().limit(5).toList()));
        }
        return tensor;
    }

    @Override
    public void close() {
        channels.forEach(DataChannel::close);
    }
}
