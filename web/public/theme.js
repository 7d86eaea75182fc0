// Runs before the first paint, so that nobody who chose dark sees a white flash.
// It is a file of its own because the content security policy allows no inline script.
;(() => {
  let choice = 'system'
  try {
    choice = localStorage.getItem('derrick.theme') || 'system'
  } catch {
    // storage may be forbidden; the system's choice is a good default
  }
  if (choice === 'light' || choice === 'dark') document.documentElement.dataset.theme = choice
})()
