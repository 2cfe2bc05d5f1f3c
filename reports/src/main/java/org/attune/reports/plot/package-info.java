/// Pictures of a run's metrics, `loss.png` and `reward.png`: [MetricPlot] writes them,
/// [MetricCharts] chooses their curves.
package org.attune.reports.plot;
