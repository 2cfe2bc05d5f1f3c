package org.attune.hub;

import org.attune.error.HubException;
import org.attune.error.StopRequest;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Fetches the content of one file. What comes is appended to a file beside the blob, named after
/// the content's hash; a later process goes on where it ends. The blob appears when it is whole and
/// its hash is right.
final class BlobDownload {
    /// Behind the hash, of what isn't whole yet.
    static final String PART = ".attune.part";

    private static final Pattern RANGE = Pattern.compile("bytes (\\d+)-\\d+/(\\d+|\\*)");
    private static final int BUFFER = 1 << 16;

    private final HubClient client;
    private final HubRepository repository;
    private final HubFile file;
    private final Path blob;
    private final Path part;

    /// @param repository at a commit
    /// @param blob where the content goes
    BlobDownload(HubClient client, HubRepository repository, HubFile file, Path blob) {
        this.client = client;
        this.repository = repository;
        this.file = file;
        this.blob = blob;
        part = blob.resolveSibling(blob.getFileName() + PART);
    }

    /// Fetches the missing bytes.
    ///
    /// @param progress told of bytes that came
    void run(LongConsumer progress) throws IOException {
        for (int attempt = 1; ; attempt++) {
            complete(progress);
            if (hash().equals(file.hash())) {
                Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE);
                return;
            }
            Files.delete(part);
            if (attempt == 2) {
                throw new HubException(
                        "%s of %s arrived twice with other bytes than the Hub says (%s); try again later, or without what stands between"
                                .formatted(file.path(), repository, file.hash()));
            }
        }
    }

    private void complete(LongConsumer progress) throws IOException {
        int fruitless = 0;
        try (FileChannel out =
                FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (out.size() > file.size()) {
                out.truncate(0);
            }
            while (out.size() < file.size()) {
                long before = out.size();
                Optional<IOException> broken = fetch(out, progress);
                if (out.size() >= file.size()) {
                    break;
                }
                fruitless = out.size() > before ? 0 : fruitless + 1;
                if (fruitless == HubClient.ATTEMPTS) {
                    throw HubErrors.unreachable(
                            file.path() + " doesn't arrive" + broken.map(e -> ": " + e).orElse(""),
                            repository,
                            client.settings(),
                            broken.orElse(null));
                }
                client.sleep(client.settings().pause().multipliedBy(fruitless));
            }
            out.force(true);
        }
    }

    /// Appends what one reply brings.
    ///
    /// @return what broke the connection
    private Optional<IOException> fetch(FileChannel out, LongConsumer progress) throws IOException {
        long have = out.size();
        URI url = repository.file(client.settings().endpoint(), file.path());
        Map<String, String> range = have > 0 ? Map.of("Range", "bytes=" + have + "-") : Map.of();
        try (HubReply reply = client.get(url, range, repository)) {
            long start = start(reply, have);
            if (start != have) {
                out.truncate(0);
                progress.accept(-have);
                if (start != 0) {
                    return Optional.empty(); // asked again from the beginning
                }
            }
            return copy(reply, out, progress);
        }
    }

    /// Where the bytes of a reply belong; another place than asked for, or negative, if they can't
    /// be used.
    private static long start(HubReply reply, long asked) {
        if (reply.status() != 206) {
            return reply.status() == 200 ? 0 : -1;
        }
        Matcher range = RANGE.matcher(reply.header("Content-Range").orElse(""));
        boolean told = range.matches() && Long.parseLong(range.group(1)) == asked;
        return told ? asked : -1;
    }

    private Optional<IOException> copy(HubReply reply, FileChannel out, LongConsumer progress)
            throws IOException {
        var buffer = new byte[BUFFER];
        try (InputStream in = reply.body()) {
            while (out.size() < file.size()) {
                StopRequest.check();
                int n;
                try {
                    n = in.read(buffer, 0, (int) Math.min(BUFFER, file.size() - out.size()));
                } catch (IOException e) {
                    return Optional.of(e);
                }
                if (n < 0) {
                    return Optional.of(new IOException("the connection ended early"));
                }
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
                while (bytes.hasRemaining()) {
                    out.write(bytes, out.size());
                }
                progress.accept(n);
            }
            return Optional.empty();
        }
    }

    private String hash() throws IOException {
        return file.sha256().isPresent()
                ? hash(digest("SHA-256"))
                : hash(gitDigest(Files.size(part)));
    }

    private static MessageDigest gitDigest(long size) {
        MessageDigest digest = digest("SHA-1");
        digest.update(("blob " + size + "\0").getBytes(StandardCharsets.UTF_8));
        return digest;
    }

    private String hash(MessageDigest digest) throws IOException {
        var buffer = new byte[BUFFER];
        try (InputStream in = Files.newInputStream(part)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                StopRequest.check();
                digest.update(buffer, 0, n);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has " + algorithm, e);
        }
    }
}
