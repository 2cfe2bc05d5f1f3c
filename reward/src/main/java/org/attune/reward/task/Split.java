package org.attune.reward.task;

import java.nio.charset.StandardCharsets;

/// To which side a problem belongs. The prompt alone decides, whatever the seed, the difficulty and
/// the number drawn. So no training problem is among those held out.
public enum Split {
    /// Four problems of five.
    TRAIN("train"),

    /// Every fifth.
    HELD_OUT("held-out");

    private static final int SHARE = 5;
    private static final long FNV_BASIS = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    private final String label;

    Split(String label) {
        this.label = label;
    }

    /// The side of a prompt.
    public static Split of(String prompt) {
        return Long.remainderUnsigned(mixed(hash(prompt)), SHARE) == 0 ? HELD_OUT : TRAIN;
    }

    /// FNV-1a over the text's UTF-8.
    private static long hash(String text) {
        long hash = FNV_BASIS;
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * FNV_PRIME;
        }
        return hash;
    }

    /// Spreads the bits, since FNV's low ones follow the text's last characters (the finaliser of
    /// MurmurHash3).
    private static long mixed(long hash) {
        long h = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
        h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return h ^ (h >>> 33);
    }

    /// `train` or `held-out`.
    @Override
    public String toString() {
        return label;
    }
}
