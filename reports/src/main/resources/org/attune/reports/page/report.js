"use strict";
startCharts(JSON.parse(document.getElementById("data").textContent));
