package org.attune.reward.task;

/// One thing that makes a task easier or harder.
///
/// @param name as in `--difficulty name=value`
/// @param meaning what the number counts
/// @param min smallest accepted
/// @param max largest accepted
/// @param easy value of the level `easy`, the default
/// @param medium value of the level `medium`
/// @param hard value of the level `hard`
public record Parameter(
        String name, String meaning, int min, int max, int easy, int medium, int hard) {
    public Parameter {
        for (int value : new int[] {easy, medium, hard}) {
            if (value < min || value > max) {
                throw new IllegalArgumentException(
                        "%s: %d is not in [%d, %d]".formatted(name, value, min, max));
            }
        }
    }

    int at(Level level) {
        return switch (level) {
            case EASY -> easy;
            case MEDIUM -> medium;
            case HARD -> hard;
        };
    }

    /// Named sets of values.
    enum Level {
        EASY,
        MEDIUM,
        HARD
    }
}
