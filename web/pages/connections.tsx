export function Connections() {
  return <p>Connections</p>
}
