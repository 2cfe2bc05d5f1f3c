package org.attune.optim;

/// Schedule of the learning rate: a factor on the configured rate, for each optimizer step counted
/// from 0.
///
/// The formulas are those of Hugging Face transformers 5. Two things surprise there and are kept:
/// a warm-up of `w` steps begins with rate 0 in the first step, and the cosine kinds rise again
/// past the end of training.
public sealed interface LrSchedule {
    /// Factor on the learning rate in force during optimizer step `step`.
    ///
    /// @param step optimizer steps already done; ≥ 0
    double factor(int step);

    /// Steps of warm-up and of the whole run.
    ///
    /// @param warmupSteps ≥ 0
    /// @param trainingSteps ≥ 0
    record Span(int warmupSteps, int trainingSteps) {
        public Span {
            if (warmupSteps < 0 || trainingSteps < 0) {
                throw new IllegalArgumentException(
                        "warmupSteps and trainingSteps must be >= 0, got %d and %d"
                                .formatted(warmupSteps, trainingSteps));
            }
        }

        boolean warmsUpAt(int step) {
            return step < warmupSteps;
        }

        /// `step / w`, from 0 up to (not including) 1.
        double warmup(int step) {
            return (double) step / Math.max(1, warmupSteps);
        }

        /// Share of the steps after the warm-up that is done; above 1 past the end.
        double progress(int step) {
            return (double) (step - warmupSteps) / Math.max(1, trainingSteps - warmupSteps);
        }
    }

    /// One rate at all steps; ignores warm-up.
    record Constant() implements LrSchedule {
        @Override
        public double factor(int step) {
            return 1;
        }
    }

    /// Linear warm-up, then constant.
    record ConstantWithWarmup(int warmupSteps) implements LrSchedule {
        @Override
        public double factor(int step) {
            return step < warmupSteps ? (double) step / Math.max(1, warmupSteps) : 1;
        }
    }

    /// Linear warm-up, then linearly to 0 at the end.
    record Linear(Span span) implements LrSchedule {
        @Override
        public double factor(int step) {
            int rest = span.trainingSteps() - span.warmupSteps();
            return span.warmsUpAt(step)
                    ? span.warmup(step)
                    : Math.max(0, (double) (span.trainingSteps() - step) / Math.max(1, rest));
        }
    }

    /// Linear warm-up, then `cycles` waves of a cosine (0.5: from 1 to 0 once).
    record Cosine(Span span, double cycles) implements LrSchedule {
        @Override
        public double factor(int step) {
            return span.warmsUpAt(step)
                    ? span.warmup(step)
                    : Math.max(0, wave(cycles, span.progress(step)));
        }
    }

    /// Linear warm-up, then `cycles` times from 1 to 0 with hard restarts.
    record CosineWithRestarts(Span span, int cycles) implements LrSchedule {
        @Override
        public double factor(int step) {
            if (span.warmsUpAt(step)) {
                return span.warmup(step);
            }
            double progress = span.progress(step);
            return progress >= 1 ? 0 : Math.max(0, wave(0.5, (cycles * progress) % 1.0));
        }
    }

    /// Linear warm-up, then a cosine that ends at `minFactor`.
    record CosineWithMinLr(Span span, double minFactor, double cycles) implements LrSchedule {
        @Override
        public double factor(int step) {
            return span.warmsUpAt(step)
                    ? span.warmup(step)
                    : Math.max(0, raised(wave(cycles, span.progress(step)), minFactor));
        }
    }

    /// The cosine of [CosineWithMinLr], but one step ahead, so that the first step has a rate above
    /// 0.
    ///
    /// @param warmupStart factor of the first step and start of the warm-up; NaN means
    ///     `(step + 1) / warmupSteps`
    record CosineWarmupWithMinLr(Span span, double minFactor, double cycles, double warmupStart)
            implements LrSchedule {
        @Override
        public double factor(int step) {
            if (span.warmsUpAt(step)) {
                return Double.isNaN(warmupStart)
                        ? (step + 1.0) / Math.max(1, span.warmupSteps())
                        : warmupStart
                                + (1 - warmupStart) * step / Math.max(1, span.warmupSteps() - 1);
            }
            double progress = span.progress(step + 1);
            return Math.max(0, raised(wave(cycles, progress), minFactor));
        }
    }

    /// Linear warm-up, then `(1 - progress)^power` from 1 to `endFactor`, which stays.
    record Polynomial(Span span, double power, double endFactor) implements LrSchedule {
        @Override
        public double factor(int step) {
            if (span.warmsUpAt(step)) {
                return span.warmup(step);
            }
            if (step > span.trainingSteps()) {
                return endFactor;
            }
            return (1 - endFactor) * Math.pow(1 - span.progress(step), power) + endFactor;
        }
    }

    /// Linear warm-up, then `1 / sqrt` of the steps in units of `timescale`.
    record InverseSqrt(int warmupSteps, int timescale) implements LrSchedule {
        public InverseSqrt {
            if (timescale < 1) {
                throw new IllegalArgumentException("timescale must be >= 1, got " + timescale);
            }
        }

        @Override
        public double factor(int step) {
            if (step < warmupSteps) {
                return (double) step / Math.max(1, warmupSteps);
            }
            return 1 / Math.sqrt((double) (step + timescale - warmupSteps) / timescale);
        }
    }

    /// Warm-up from `minFactor`, a plateau, then a decay to `minFactor`.
    record WarmupStableDecay(
            int warmupSteps,
            int stableSteps,
            int decaySteps,
            Shape warmup,
            Shape decay,
            double minFactor,
            double cycles)
            implements LrSchedule {
        /// How the rate rises or falls.
        public enum Shape {
            LINEAR,
            COSINE,
            /// `1 - sqrt(…)`.
            ONE_MINUS_SQRT;

            double rise(double progress) {
                return switch (this) {
                    case LINEAR -> progress;
                    case COSINE -> 0.5 * (1 - Math.cos(Math.PI * progress));
                    case ONE_MINUS_SQRT -> 1 - Math.sqrt(1 - progress);
                };
            }

            double fall(double progress, double cycles) {
                return switch (this) {
                    case LINEAR -> 1 - progress;
                    case COSINE -> wave(cycles, progress);
                    case ONE_MINUS_SQRT -> 1 - Math.sqrt(progress);
                };
            }
        }

        @Override
        public double factor(int step) {
            if (step < warmupSteps) {
                return Math.max(0, raised(warmup.rise((double) step / warmupSteps), minFactor));
            }
            int decayed = step - warmupSteps - stableSteps;
            if (decayed < 0) {
                return 1;
            }
            if (decayed >= decaySteps) {
                return minFactor;
            }
            double fallen = decay.fall((double) decayed / decaySteps, cycles);
            return Math.max(0, raised(fallen, minFactor));
        }
    }

    /// `(1 + cos(2π cycles · progress)) / 2`.
    private static double wave(double cycles, double progress) {
        return 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress));
    }

    /// Squeezes a factor of 0…1 into `minimum`…1.
    private static double raised(double factor, double minimum) {
        return factor * (1 - minimum) + minimum;
    }
}
