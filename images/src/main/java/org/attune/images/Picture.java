package org.attune.images;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.Argument;
import org.attune.error.DatasetException;
import org.attune.hash.Sha256;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.concurrent.Callable;

/// A picture as its file has it: bytes that are decoded when they are needed, since they are a
/// tenth of what they are decoded to. Equal if the bytes are equal, whatever the names.
/// Thread-safe.
@Api(EXPERIMENTAL)
public final class Picture {
    private static final long MOST_BYTES = 1L << 29;

    /// Passing pictures that somebody holds, so that equal ones are one.
    private static final Map<Picture, WeakReference<Picture>> PASSING = new WeakHashMap<>();

    private final String name;
    private final Callable<byte[]> file;
    private final Optional<Path> path;
    private final boolean passing;
    private volatile String hash;

    private Picture(String name, Callable<byte[]> file, Optional<Path> path, boolean passing) {
        this.name = Argument.given(name, "name");
        this.file = file;
        this.path = path;
        this.passing = passing;
    }

    /// A picture that is not looked at yet.
    ///
    /// @param name where it comes from, for messages: its path, or file, line and column
    /// @param file PNG, JPEG, GIF, BMP, TIFF or WebP; not copied, so nobody may change it
    public static Picture of(String name, byte[] file) {
        Argument.given(file, "file");
        return new Picture(name, () -> file, Optional.empty(), false);
    }

    /// A picture whose file is read whenever it is looked at, so that it takes no memory. Its
    /// bytes must stay what they are.
    ///
    /// @param name where it comes from, for messages
    public static Picture at(String name, Path path) {
        Argument.given(path, "path");
        return new Picture(name, () -> bytes(path), Optional.of(path), false);
    }

    /// A picture that is forgotten when nobody holds it any more, for programs that see many. Who
    /// has a model read tokens of it holds it until then.
    ///
    /// @param file as in [#of]
    /// @return an equal one that somebody holds already, if there is one
    public static Picture passing(byte[] file) {
        Argument.given(file, "file");
        String name = "a picture of %,d bytes".formatted(file.length);
        var picture = new Picture(name, () -> file, Optional.empty(), true);
        synchronized (PASSING) {
            WeakReference<Picture> held = PASSING.get(picture);
            Picture known = held == null ? null : held.get();
            if (known != null) {
                return known;
            }
            PASSING.put(picture, new WeakReference<>(picture));
            return picture;
        }
    }

    /// Whether this picture is forgotten when nobody holds it any more.
    boolean isPassing() {
        return passing;
    }

    private static byte[] bytes(Path path) throws IOException {
        if (Files.size(path) > MOST_BYTES) {
            throw new IOException("it is larger than %d MiB".formatted(MOST_BYTES >> 20));
        }
        return Files.readAllBytes(path);
    }

    private byte[] file() {
        try {
            return file.call();
        } catch (NoSuchFileException e) {
            throw new DatasetException(name + ": the picture is there no more", e);
        } catch (Exception e) {
            throw new DatasetException(name + ": can't be read: " + e.getMessage(), e);
        }
    }

    /// Where the picture comes from.
    public String name() {
        return name;
    }

    /// The absolute path of the picture's file; empty if its bytes are held.
    public Optional<Path> path() {
        return path.map(file -> file.toAbsolutePath().normalize());
    }

    /// What a row of any file may hold to name this picture: the absolute path of its file, or an
    /// address `data:image/…` with its bytes.
    ///
    /// @throws org.attune.error.DatasetException if the bytes are no picture
    public String address() {
        if (path.isPresent()) {
            return path().get().toString();
        }
        String type = PictureFormat.of(name, file()).name().toLowerCase(Locale.ROOT);
        return "data:image/%s;base64,%s"
                .formatted(type, Base64.getEncoder().encodeToString(file()));
    }

    /// SHA-256 of the file's bytes, in hexadecimal digits.
    public String hash() {
        if (hash == null) {
            hash = sha256(file());
        }
        return hash;
    }

    /// Width and height as the picture is seen, from the file's header alone.
    ///
    /// @throws org.attune.error.DatasetException if the file is no picture that can be read, or has
    ///     more pixels than are allowed
    public Size size() {
        try (var reader = PictureReader.open(name, file())) {
            return reader.size();
        }
    }

    /// Number of the picture's pixels, from the file's header alone.
    ///
    /// @throws org.attune.error.DatasetException as [#size]
    public long area() {
        Size size = size();
        return (long) size.width() * size.height();
    }

    /// A small copy of the picture, as PNG.
    ///
    /// @param side most pixels of each of its sides
    /// @throws org.attune.error.DatasetException if the picture can't be read
    public byte[] thumbnail(int side) {
        return Thumbnail.of(pixels(), side);
    }

    /// The picture's pixels, turned as its camera was held, what is transparent laid on white.
    Pixels pixels() {
        try (var reader = PictureReader.open(name, file())) {
            return reader.read();
        }
    }

    /// @param width  in pixels
    /// @param height in pixels
    public record Size(int width, int height) {
        @Override
        public String toString() {
            return width + " x " + height;
        }
    }

    static String sha256(byte[]... parts) {
        MessageDigest digest = Sha256.begin();
        for (byte[] part : parts) {
            digest.update(part);
        }
        return Sha256.hex(digest);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Picture picture && picture.hash().equals(hash());
    }

    @Override
    public int hashCode() {
        return hash().hashCode();
    }

    /// The name, since the bytes say nothing to a reader.
    @Override
    public String toString() {
        return name;
    }
}
