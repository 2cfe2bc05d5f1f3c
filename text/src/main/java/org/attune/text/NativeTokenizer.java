package org.attune.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import ai.djl.util.Utils;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;

import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/// Owner of one tokenizer in native memory.
///
/// It calls DJL's native library and not DJL's `HuggingFaceTokenizer`. That class changes texts by
/// its own rules and fetches six arrays per encoding where two are needed. On some machines it
/// reports its use over the network.
final class NativeTokenizer implements AutoCloseable {
    private static final String FLAVOR = "RUST_FLAVOR";

    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final String name;
    private long handle;

    private NativeTokenizer(String name, long handle) {
        this.name = name;
        this.handle = handle;
    }

    /// @param name stands in messages
    /// @param json text of a `tokenizer.json`
    /// @throws ModelException if the text is no tokenizer
    static NativeTokenizer open(String name, String json) {
        requireLibrary();
        try {
            long handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
            TokenizersLibrary.LIB.disableTruncation(handle);
            TokenizersLibrary.LIB.disablePadding(handle);
            return new NativeTokenizer(name, handle);
        } catch (RuntimeException e) {
            throw new ModelException(
                    "%s is not a tokenizer.json that can be used: %s"
                            .formatted(name, Excerpt.of(e.getMessage())),
                    e);
        }
    }

    /// Loads the library on first use. Where DJL finds CUDA it would fetch a build for it from the
    /// network; tokenizing has no use for one, so the build that comes with DJL is asked for.
    private static void requireLibrary() {
        if (System.getenv(FLAVOR) == null && System.getProperty(FLAVOR) == null) {
            System.setProperty(FLAVOR, "cpu");
        }
        try {
            LibUtils.checkStatus();
        } catch (EngineException e) {
            throw new ModelException(
                    "the native tokenizer library can't be loaded: "
                            + e.getMessage()
                            + "; it is unpacked below "
                            + Utils.getEngineCacheDir("tokenizers")
                            + ", which must be writable",
                    e);
        }
    }

    /// @param ids   token ids
    /// @param spans of each token in code points; null for tokens that cover no text
    record Encoded(long[] ids, CharSpan[] spans) {}

    /// @param withSpans whether to ask for the spans, which costs as much as the ids
    Encoded encode(String text, boolean addSpecialTokens, boolean withSpans) {
        lock.readLock().lock();
        try {
            long encoding = encoding(requireOpen(), text, addSpecialTokens);
            try {
                return new Encoded(
                        TokenizersLibrary.LIB.getTokenIds(encoding),
                        withSpans
                                ? TokenizersLibrary.LIB.getTokenCharSpans(encoding)
                                : new CharSpan[0]);
            } finally {
                TokenizersLibrary.LIB.deleteEncoding(encoding);
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    private long encoding(long tokenizer, String text, boolean addSpecialTokens) {
        try {
            return TokenizersLibrary.LIB.encode(tokenizer, text, addSpecialTokens);
        } catch (RuntimeException e) {
            throw new ModelException(
                    "%s can't encode \"%s\": %s"
                            .formatted(name, Excerpt.of(text), Excerpt.of(e.getMessage())),
                    e);
        }
    }

    String decode(long[] ids, boolean skipSpecialTokens) {
        lock.readLock().lock();
        try {
            return TokenizersLibrary.LIB.decode(requireOpen(), ids, skipSpecialTokens);
        } finally {
            lock.readLock().unlock();
        }
    }

    private long requireOpen() {
        if (handle == 0) {
            throw new IllegalStateException("this tokenizer has been closed");
        }
        return handle;
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (handle != 0) {
                TokenizersLibrary.LIB.deleteTokenizer(handle);
                handle = 0;
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
