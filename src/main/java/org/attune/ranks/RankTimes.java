package org.attune.ranks;

/// What calls between ranks took so far. Differences say what a step took.
///
/// @param waitSeconds in which this rank had nothing to do until others came
/// @param moveSeconds in which numbers were moved and added
/// @param sentBytes that this rank gave to others
public record RankTimes(double waitSeconds, double moveSeconds, long sentBytes) {
    /// Nothing was called yet.
    public static final RankTimes NONE = new RankTimes(0, 0, 0);

    /// What was taken since then.
    public RankTimes since(RankTimes earlier) {
        return new RankTimes(
                waitSeconds - earlier.waitSeconds,
                moveSeconds - earlier.moveSeconds,
                sentBytes - earlier.sentBytes);
    }
}
