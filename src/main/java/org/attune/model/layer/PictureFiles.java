package org.attune.model.layer;

import org.attune.error.AttuneException;
import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.hash.Sha256;
import org.attune.images.SeenPicture;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Rows of pictures on disk, a file for each picture, which runs and processes share. A file's name
/// is a hash of the picture's bytes, of what was done to them, and of every weight of the tower.
/// Files are written whole or not at all and checked when they are read; those that were not used
/// for longest make room. Where nothing can be written, nothing is kept.
final class PictureFiles {
    /// Bytes of all files of a folder.
    static final long MOST_BYTES = 4L << 30;

    private static final Logger LOG = LoggerFactory.getLogger(PictureFiles.class);
    private static final String PREFIX = "picture-";
    private static final String SUFFIX = ".safetensors";
    private static final String ROWS = "rows";

    /// A tensor of one number, the CRC-32C of the rows' bytes.
    private static final String CHECK = "crc32c";

    private final Path folder;
    private final String tower;
    private final long most;
    private long bytes = -1; // of the folder's files; not known yet
    private boolean writes = true;

    /// @param folder created when needed
    /// @param tower tells weights and mathematics apart from others, and where they compute
    /// @param most bytes of files, ≥ 1
    PictureFiles(Path folder, String tower, long most) {
        this.folder = folder;
        this.tower = tower;
        this.most = most;
    }

    /// Names the weights of a tower by their content.
    ///
    /// @param settings of the tower
    static String name(VisionTower tower, String settings, Tensor like) {
        MessageDigest digest = Sha256.begin();
        add(digest, "%s %s %s".formatted(settings, like.dtype(), like.device().kind().name()));
        for (FusedLinear linear : tower.linears()) {
            for (int part = 0; part < linear.parts().size(); part++) {
                add(digest, linear.parts().get(part).path());
                add(digest, linear.weight(part));
                if (linear.bias(part) != null) {
                    add(digest, linear.bias(part));
                }
            }
        }
        Stream.concat(
                        tower.norms().stream().flatMap(norm -> norm.weights().stream()),
                        tower.others().stream())
                .forEach(
                        weight -> {
                            add(digest, weight.name());
                            add(digest, weight.base());
                        });
        return Sha256.hex(digest);
    }

    private static void add(MessageDigest digest, String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void add(MessageDigest digest, Tensor weight) {
        try (var _ = TensorScope.open("hash")) {
            add(digest, Arrays.toString(weight.shape()));
            digest.update(onHost(weight).memory().asByteBuffer());
        }
    }

    private static Tensor onHost(Tensor x) {
        return x.device().equals(Device.cpu())
                ? x.contiguous()
                : Tensor.empty(Device.cpu(), x.dtype(), x.shape()).copyInPlace(x);
    }

    /// The file of a picture, which may be there.
    Path file(SeenPicture picture) {
        MessageDigest digest = Sha256.begin();
        add(digest, tower + "/" + picture.key());
        String name = HexFormat.of().formatHex(digest.digest(), 0, 16);
        return folder.resolve(PREFIX + name + SUFFIX);
    }

    /// The rows of a picture, in the current scope; empty where no file has them.
    ///
    /// @param like has the device and the dtype
    Optional<Tensor> read(SeenPicture picture, Tensor like) {
        Path file = file(picture);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (TensorFile tensors = SafeTensorsFile.open(file);
                Arena arena = Arena.ofConfined()) {
            TensorFile.Entry entry = tensors.entries().get(ROWS);
            MemorySegment rows = tensors.read(ROWS, arena);
            double told = tensors.read(CHECK, arena).get(ValueLayout.JAVA_DOUBLE, 0);
            if (told == check(rows)
                    && entry.dtype() == like.dtype()
                    && entry.shape()[0] == picture.rows()) {
                Files.setLastModifiedTime(file, FileTime.from(Instant.now())); // used last
                return Optional.of(
                        Tensor.ofMemory(like.device(), entry.dtype(), rows, entry.shape()));
            }
            LOG.warn("{} is not as it was written, so its picture is encoded anew", file);
        } catch (AttuneException | IOException e) {
            LOG.warn("{} can't be read, so its picture is encoded anew: {}", file, e.toString());
        }
        return Optional.empty();
    }

    /// Keeps the rows of a picture.
    ///
    /// @param rows `(rows, width)`
    void write(SeenPicture picture, Tensor rows) {
        if (!writes) {
            return;
        }
        try (var _ = TensorScope.open("picture.file")) {
            Files.createDirectories(folder);
            MemorySegment data = onHost(rows).memory();
            SafeTensorsWriter.write(
                    file(picture),
                    List.of(
                            new SafeTensorsWriter.Source(
                                    ROWS, rows.dtype(), rows.shape(), _ -> data),
                            new SafeTensorsWriter.Source(
                                    CHECK,
                                    DType.FLOAT64,
                                    new long[] {1},
                                    arena ->
                                            arena.allocateFrom(
                                                    ValueLayout.JAVA_DOUBLE, check(data)))));
            bytes = bytes < 0 ? makeRoom() : bytes + Files.size(file(picture));
            if (bytes > most) {
                bytes = makeRoom();
            }
        } catch (ModelException | IOException e) {
            writes = false;
            LOG.warn("rows of pictures aren't kept in {}: {}", folder, e.toString());
        }
    }

    private static double check(MemorySegment data) {
        var crc = new CRC32C();
        crc.update(data.asByteBuffer());
        return crc.getValue();
    }

    /// A file and what it has to say for itself.
    private record Kept(Path file, long bytes, FileTime used) {}

    /// Deletes what wasn't used for longest, if there is too much.
    ///
    /// @return bytes that are left
    private long makeRoom() throws IOException {
        List<Kept> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.startsWith(PREFIX) && name.endsWith(SUFFIX) && Files.exists(file)) {
                    all.add(new Kept(file, Files.size(file), Files.getLastModifiedTime(file)));
                }
            }
        }
        long left = all.stream().mapToLong(Kept::bytes).sum();
        if (left <= most) {
            return left;
        }
        all.sort(Comparator.comparing(Kept::used));
        long wanted = most - most / 8; // so that not every file is followed by a search
        for (Kept kept : all) {
            if (left <= wanted) {
                break;
            }
            Files.deleteIfExists(kept.file());
            left -= kept.bytes();
        }
        return left;
    }
}
