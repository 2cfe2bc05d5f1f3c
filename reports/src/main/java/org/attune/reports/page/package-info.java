/// `report.html`: runs as one file that needs no network. [ReportPage] puts the sections together,
/// [ReportedRun] reads a run's folder, [Curves] chooses charts and points.
///
/// The numbers are in tables and drawings that are readable without JavaScript; `report.js` puts
/// uPlot's charts in their place. Texts of runs come into the page by [Html] alone, which escapes
/// them.
package org.attune.reports.page;
