package org.attune.trainers.loop;

import org.attune.optim.LrSchedule;
import org.attune.optim.MeasuredSchedule;

import java.util.Optional;

/// The learning rates of a run.
///
/// @param largest the configured rate
/// @param schedule factor on it for each step
/// @param measured in the place of `schedule` where the rate follows evaluations
record LearningRates(double largest, LrSchedule schedule, Optional<MeasuredSchedule> measured) {
    /// The rate of a step that is to come.
    ///
    /// @param step from 0
    double of(int step) {
        return measured.isPresent() ? measured.get().rate() : largest * schedule.factor(step);
    }

    /// Hears the metric of an evaluation.
    void measured(double metric) {
        measured.ifPresent(m -> m.measured(metric));
    }
}
